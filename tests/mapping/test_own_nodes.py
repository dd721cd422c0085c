"""Which nodes of a file are the institution: what is proved is recognised, and nothing else."""

import pytest

from qlink_ld.mapping.own_nodes import OwnNodes
from qlink_ld.mapping.rdf_graph import describe
from qlink_ld.mapping.rdf_reader import read_triples
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.model import Institution

TWO = "".join(f"<https://utwente.nl/{name}> a ql:HigherEducationInstitution . " for name in "ab")
REGISTERED = "https://ror.org/006hf6230"
OWN = "<https://example.org/institutions/NL0028>"
TWENTE = Institution(
    "NL0028",
    "University of Twente",
    schac="utwente.nl",
    website="https://www.utwente.nl/en",
    same_as=("https://data.deqar.eu/institution/1234", REGISTERED),
)
PREFIXES = """@prefix ql: <http://data.quality-link.eu/ontology/v1#> .
@prefix elm: <http://data.europa.eu/snb/model/ontology/> .
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rov: <http://www.w3.org/ns/regorg#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix ex: <https://x.example/> .
"""


def make(body: str) -> OwnNodes:
    reading = read_triples((PREFIXES + body).encode(), "text/turtle", "https://x.example/file", RdfSpec())
    return OwnNodes(TWENTE, OWN, describe(reading.triples))


@pytest.mark.parametrize(
    "body",
    [
        # by IRI
        "ex:c dcterms:publisher <https://data.deqar.eu/institution/1234> .",
        "ex:c dcterms:publisher <http://data.deqar.eu/institution/1234/> .",
        "ex:c elm:providedBy <https://ror.org/006hf6230> .",
        "ex:c elm:providedBy <urn:schac:schacHomeOrganization:utwente.nl> .",
        "ex:c elm:providedBy <did:web:utwente.nl> .",
        "ex:c elm:providedBy <https://utwente.nl/en/> .",
        "ex:c elm:providedBy <https://example.org/institutions/NL0028> .",
        # by identifier
        "ex:o a elm:Organisation ; adms:identifier [ elm:schemeId ql:OrgReg ; skos:notation 'NL0028' ] .",
        "ex:o a elm:Organisation ; adms:identifier [ a ql:SchacIdentifier ; skos:notation 'UTwente.NL' ] .",
        "ex:o a elm:Organisation ; adms:identifier [ elm:schemeName 'SCHAC' ; skos:notation 'utwente.nl' ] .",
        "ex:o adms:identifier [ elm:schemeId 'urn:x:ontology#Schac' ; skos:notation 'utwente.nl' ] .",
        "ex:o a elm:Organisation ; rov:registration [ skos:notation 'https://ror.org/006hf6230' ] .",
        "ex:o a elm:Organisation ; dcterms:identifier 'NL0028' .",
        "[] a ql:HigherEducationInstitution ; adms:identifier [ elm:schemeId ql:OrgReg ; skos:notation 'NL0028' ] .",
        # by the same thing elsewhere, by home page
        "ex:o a elm:Organisation ; owl:sameAs <https://ror.org/006hf6230> .",
        "ex:o a elm:Organisation ; foaf:homepage [ a elm:WebResource ; elm:contentUrl 'http://www.utwente.nl/en/' ] .",
        "ex:o a ql:HigherEducationInstitution ; foaf:homepage <https://www.utwente.nl/en> .",
        # its own IRI, on its own domain, if no other could be meant
        "<https://data.utwente.nl/id/org> a ql:HigherEducationInstitution ; rov:legalName 'Universiteit Twente' .",
    ],
)
def test_what_is_proved_is_the_institution(body: str) -> None:
    assert make(body).find()


@pytest.mark.parametrize(
    "body",
    [
        "ex:o a elm:Organisation ; rov:legalName 'University of Twente' .",
        "ex:o a ql:HigherEducationInstitution ; adms:identifier [ elm:schemeId ql:OrgReg ; skos:notation 'AT0001' ] .",
        "ex:o a elm:Organisation ; foaf:homepage <https://www.utwente.nl/en/law> .",
        "ex:o a elm:Organisation ; foaf:homepage <https://www.utwente.nl/en> ; org:subOrganizationOf ex:u .",
        # another's code weighs more than a home page, an own domain and a link
        "ex:o owl:sameAs <https://ror.org/006hf6230> ; adms:identifier [ a ql:OrgRegIdentifier ; skos:notation 'X' ] .",
        # which of two?
        TWO,
        "<https://notutwente.nl/a> a ql:HigherEducationInstitution .",
        "<https://utwente.nl/law> a elm:Organisation .",
        # what is no organisation
        "ex:c a elm:Qualification ; adms:identifier [ skos:notation 'NL0028' ] .",
        "ex:c a elm:Qualification ; foaf:homepage <https://www.utwente.nl/en> .",
        "<https://www.utwente.nl/en> a elm:WebResource .",
        "ex:c elm:supplementaryDocument <https://www.utwente.nl/en> .",
    ],
)
def test_what_is_not_proved_is_not(body: str) -> None:
    assert make(body).find() <= {f"<{REGISTERED}>"}


def test_units_at_any_depth_are_parts_of_it() -> None:
    nodes = make(
        "ex:law org:subOrganizationOf <https://ror.org/006hf6230> . ex:tax org:unitOf ex:law . ex:o org:unitOf ex:u ."
    )
    own = nodes.find()
    assert own == {"<https://ror.org/006hf6230>"}
    assert nodes.find_units(own) == {"<https://x.example/law>", "<https://x.example/tax>"}

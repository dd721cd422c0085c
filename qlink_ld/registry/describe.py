"""Describes institutions and alliances in RDF, as the profile wants them.

Source: profile 0.4.0 (`ql:HigherEducationInstitution`, `ql:EuropeanUniversityAlliance` and §3: only OrgReg and SCHAC
codes are `adms:identifier`; a name without a known language is tagged `und`; alliances are organisations as well).
"""

import re
from collections.abc import Sequence
from typing import Final

from pyoxigraph import Literal, NamedNode, Triple

from qlink_ld.model import Alliance, Institution
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, OWL, QL, RDF, ROV, SKOS, XSD, Iris
from qlink_ld.ntriples import write_triples

_ORGREG = re.compile(r"(INT|[A-Z]{2})[0-9]{4}")  # profile 0.4.0, ql:OrgRegIdentifier
COUNTRY: Final = "http://publications.europa.eu/resource/authority/country/"
_UNDETERMINED = "und"


def describe_institution(institution: Institution, alliances: Sequence[Alliance], iris: Iris) -> str:
    """Return the sorted N-Triples that describe an institution, with its alliances as far as it is a member."""
    node = NamedNode(iris.institution(institution.id))
    out = [
        *_types(node, *_classes(institution)),
        *_names(node, institution),
        Triple(node, NamedNode(f"{DCTERMS}identifier"), Literal(institution.id)),
    ]
    out += [
        Triple(node, NamedNode(f"{DCTERMS}identifier"), Literal(f"previous-schac:{code.lower()}"))
        for code in institution.previous_schac
    ]
    out += [Triple(node, NamedNode(f"{OWL}sameAs"), NamedNode(iri)) for iri in institution.same_as]
    out += _codes(node, institution.id, institution.schac)
    if institution.website:
        page = NamedNode(f"{node.value}#homepage")
        out += [
            Triple(node, NamedNode(f"{FOAF}homepage"), page),
            *_types(page, f"{ELM}WebResource"),
            Triple(
                page, NamedNode(f"{ELM}contentUrl"), Literal(institution.website, datatype=NamedNode(f"{XSD}anyURI"))
            ),
        ]
    if institution.country:
        place, address = NamedNode(f"{node.value}#registered"), NamedNode(f"{node.value}#registered-address")
        out += [
            Triple(node, NamedNode(f"{ELM}location"), place),
            *_types(place, f"{DCTERMS}Location"),
            Triple(place, NamedNode(f"{ELM}address"), address),
            *_types(address, f"{ELM}Address"),
            Triple(address, NamedNode(f"{ELM}countryCode"), NamedNode(COUNTRY + institution.country)),
        ]
    for alliance in alliances:
        if institution.id in alliance.members:
            group = NamedNode(iris.alliance(alliance.id))
            out += [Triple(node, NamedNode(f"{QL}isMemberOf"), group), *_types(group, f"{ELM}Organisation")]
    return write_triples(out)


def _classes(institution: Institution) -> tuple[str, ...]:
    if institution.role == "third-party":  # it teaches nobody
        return (f"{ELM}Organisation",)
    return f"{QL}HigherEducationInstitution", f"{ELM}Organisation"


def describe_alliance(alliance: Alliance, iris: Iris) -> str:
    """Return the sorted N-Triples that describe an alliance with its members."""
    node = NamedNode(iris.alliance(alliance.id))
    out = [
        *_types(node, f"{QL}EuropeanUniversityAlliance", f"{QL}GroupOfHEIs", f"{ELM}Group", f"{ELM}Organisation"),
        Triple(node, NamedNode(f"{ROV}legalName"), Literal(alliance.name, language=_UNDETERMINED)),
        Triple(node, NamedNode(f"{SKOS}prefLabel"), Literal(alliance.name, language=_UNDETERMINED)),
        Triple(node, NamedNode(f"{DCTERMS}identifier"), Literal(alliance.id)),
    ]
    out += [
        Triple(node, NamedNode(f"{FOAF}member"), NamedNode(iris.institution(member))) for member in alliance.members
    ]
    return write_triples(out)


def describe_registry(institutions: Sequence[Institution], alliances: Sequence[Alliance], iris: Iris) -> str:
    """Return the N-Triples of the registry graph: institutions, alliances, and their other members."""
    known = {institution.id for institution in institutions}
    others = sorted({member for alliance in alliances for member in alliance.members} - known)
    return "".join(
        [
            *(describe_institution(institution, alliances, iris) for institution in institutions),
            *(describe_alliance(alliance, iris) for alliance in alliances),
            *(describe_partner(member, iris) for member in others),
        ]
    )


def describe_partner(member: str, iris: Iris) -> str:
    """Return the sorted N-Triples of a member of an alliance that is not harvested: what its id says."""
    node = NamedNode(iris.institution(member))
    return write_triples(
        [
            *_types(node, f"{QL}HigherEducationInstitution", f"{ELM}Organisation"),
            Triple(node, NamedNode(f"{DCTERMS}identifier"), Literal(member)),
            *_codes(node, member, None),
        ]
    )


def _codes(node: NamedNode, institution_id: str, schac: str | None) -> list[Triple]:
    """The official codes of an institution; an id that is no OrgReg id is its SCHAC code."""
    orgreg = _ORGREG.fullmatch(institution_id) is not None
    out = _identifier(node, "orgReg", "OrgReg", institution_id) if orgreg else []
    code = schac or (None if orgreg else institution_id)
    return [*out, *_identifier(node, "schac", "Schac", code.lower())] if code else out


def _names(node: NamedNode, institution: Institution) -> list[Triple]:
    """Its names, one per language; the one that it is called by has the language `und` unless it is one of these."""
    legal = dict(institution.names)
    language = next((tag for tag, text in legal.items() if text == institution.name), _UNDETERMINED)
    legal.setdefault(language, institution.name)
    return [
        Triple(node, NamedNode(f"{SKOS}prefLabel"), Literal(institution.name, language=language)),
        *(Triple(node, NamedNode(f"{ROV}legalName"), Literal(text, language=tag)) for tag, text in legal.items()),
    ]


def _types(node: NamedNode, *classes: str) -> list[Triple]:
    return [Triple(node, NamedNode(f"{RDF}type"), NamedNode(name)) for name in classes]


def _identifier(node: NamedNode, fragment: str, scheme: str, code: str) -> list[Triple]:
    identifier = NamedNode(f"{node.value}#{fragment}")
    return [
        Triple(node, NamedNode(f"{ADMS}identifier"), identifier),
        *_types(identifier, f"{QL}{scheme}Identifier", f"{ELM}Identifier"),
        Triple(identifier, NamedNode(f"{ELM}schemeId"), NamedNode(f"{QL}{scheme}")),
        Triple(identifier, NamedNode(f"{SKOS}notation"), Literal(code)),
    ]

"""JSON-LD of strangers: contexts known offline, nothing fetched, keys that mean nothing told, one bad entry no loss."""

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import Account, load_mapping
from qlink_ld.mapping.elm import ElmMapper, normalise_iri
from qlink_ld.mapping.json_ld import JsonLdReader
from qlink_ld.mapping.rdf_spec import read_rdf_spec
from qlink_ld.model import DataSource, Institution, Record, Refusal
from qlink_ld.namespaces import Iris
from qlink_ld.resources import find_resource_dir

ELM = "http://data.europa.eu/snb/model/ontology/"
EDC = "http://data.europa.eu/snb/model/context/edc-ap"
VC = "https://www.w3.org/2018/credentials/v1"
URL = "https://source.example/elm.jsonld"
CONTEXTS = read_rdf_spec(find_resource_dir("mappings") / "elm").contexts


def concept(iri: str) -> dict[str, Any]:
    return {"id": iri, "type": "Concept", "prefLabel": {"en": "a label of ours"}, "inScheme": {"id": "urn:x:scheme"}}


def credential(code: str = "MC-1", title: str = "Data for Everyone") -> dict[str, Any]:
    """A European Digital Credential, as its issuer's tool writes it: nested, with names that hold in it only."""
    organisation = {
        "id": "urn:epass:org:1",
        "type": "Organisation",
        "legalName": {"nl": "Universiteit Twente"},
        "homepage": {"id": "urn:epass:webResource:1", "type": "WebResource", "contentURL": "https://www.utwente.nl/"},
    }
    specification = {
        "id": "urn:epass:learningAchievementSpec:1",
        "type": "Qualification",
        "title": {"en": title, "nl_NL": "Data voor iedereen"},
        "identifier": {"id": "urn:epass:identifier:1", "type": "Identifier", "notation": code},
        "eqfLevel": concept("http://data.europa.eu/snb/eqf/7"),
        "thematicArea": [concept("http://data.europa.eu/snb/isced-f/0612")],
        "language": concept("http://publications.europa.eu/resource/authority/language/ENG"),
        "volumeOfLearning": "PT140H",
        "creditPoint": {
            "type": "CreditPoint",
            "framework": concept("http://data.europa.eu/snb/education-credit/6fcec5c5af"),
            "point": "5",
        },
        "homepage": {"type": "WebResource", "contentURL": "https://www.utwente.nl/mc"},
        "learningOutcome": [
            {"id": "urn:epass:learningOutcome:1", "type": "LearningOutcome", "title": {"en": "Models"}}
        ],
        "publisher": {"id": "urn:epass:org:1"},
        "colour": "red",
    }
    return {
        "@context": [VC, EDC],
        "id": "urn:credential:3ef0ac26",
        "type": ["VerifiableCredential", "EuropeanDigitalCredential"],
        "issuer": organisation,
        "issuanceDate": "2026-01-01T00:00:00Z",
        "credentialSubject": {
            "id": "urn:epass:person:1",
            "type": "Person",
            "familyName": {"en": "Hopper"},
            "hasClaim": {
                "id": "urn:epass:learningAchievement:1",
                "type": "LearningAchievement",
                "title": {"en": "What Grace achieved"},
                "specifiedBy": specification,
            },
        },
    }


def map_json(document: object) -> tuple[list[Record], list[Refusal], Account]:
    account = Account("elm")
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    institution = Institution("NL0028", "University of Twente", schac="utwente.nl", website="https://www.utwente.nl")
    mapper = ElmMapper(load_mapping("elm"), institution, Iris("https://example.org/"), account, date(2026, 10, 1))
    entries = [e for b in mapper.map_file(body, DataSource("elm", "elm", URL), "application/ld+json", URL) for e in b]
    return (
        [entry for entry in entries if isinstance(entry, Record)],
        [entry for entry in entries if isinstance(entry, Refusal)],
        account,
    )


# Contexts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [EDC, f"{EDC}.jsonld", EDC.replace("http:", "https:"), f"{EDC}/", "http://data.europa.eu/snb/model/context/elm"],
)
def test_the_published_context_is_known_under_each_of_its_addresses(address: str) -> None:
    (record,), _, account = map_json(
        {"@context": address, "id": "https://x.example/1", "type": "Qualification", "title": {"en": "One"}}
    )
    assert record.iri == "https://x.example/1"
    assert '<http://purl.org/dc/terms/title> "One"@en .' in record.ntriples
    assert account.issues == ()


@pytest.mark.parametrize(
    "context",
    [
        "https://schema.org/",
        [EDC, "https://schema.org"],
        {"a": {"@id": "urn:x:a", "@context": "https://schema.org/"}},
        {"@import": "https://schema.org/"},
    ],
)
def test_any_other_context_is_refused_by_name_and_never_fetched(context: object) -> None:
    with pytest.raises(
        UnreadableData, match=r"names the JSON-LD context https://schema\.org/?, and contexts are never"
    ):
        map_json({"@context": context, "@id": "urn:x:a"})


def test_a_context_beside_the_file_is_not_fetched_either() -> None:
    with pytest.raises(UnreadableData, match=r"the JSON-LD context https://source\.example/context\.jsonld, and"):
        map_json({"@context": "context.jsonld", "@id": "urn:x:a"})


def test_a_context_inside_a_record_counts_there() -> None:
    (record,), _, _ = map_json(
        {
            "@id": "https://x.example/1",
            "@type": f"{ELM}Qualification",
            f"{ELM}learningOutcome": {"@context": EDC, "title": {"en": "In"}, "type": "LearningOutcome"},
        }
    )
    assert '"In"@en' in record.ntriples


def test_every_key_of_the_published_context_means_the_same_here(shared: Path) -> None:
    """Apart from what the published one gets wrong: texts and times that it makes addresses, a misspelt property."""
    published = json.loads((shared / "reference/elm/edc-ap-context.jsonld").read_text(encoding="utf-8"))["@context"]
    mended = {"areaDialingCode", "dateModified", "descriptionHtml", "resultDestribution", "nationalID"}
    geo = {"latitude", "longitude", "clv"}
    keys = [k for k, v in published.items() if k not in mended | geo and not (isinstance(v, str) and v[-1] in "/#")]
    assert len(keys) > 220

    def expand(context: object) -> set[str]:
        def value(key: str) -> object:
            term = published[key]
            if isinstance(term, str):
                return {"@type": key}
            return {key: {"en": "x"} if term.get("@container") == "@language" else "https://x.example/v"}

        nodes = [{"@id": f"urn:x:{key}", **dict(value(key))} for key in keys]  # type: ignore[call-overload]
        body = json.dumps({"@context": context, "@graph": nodes}).encode()
        return {
            str(quad)
            .replace(quad.predicate.value, normalise_iri(quad.predicate.value))
            .replace("snb/model/elm/", "snb/model/ontology/")
            for quad in parse(body, format=RdfFormat.JSON_LD, lenient=True)
        }

    ours = expand(CONTEXTS[EDC])
    assert expand(published) == ours
    assert len(ours) == len(keys)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("contentURL", "https://x.example/", f'<{ELM}contentUrl> "https://x.example/"^^'),
        ("nationalID", "urn:x:1", f"<{ELM}nationalId> <urn:x:1>"),
        ("maximumScore", "10", f'<{ELM}maxScore> "10"'),
        ("elmSubject", "urn:x:1", f"<{ELM}subject> <urn:x:1>"),
        ("dcType", "urn:x:1", "<http://purl.org/dc/terms/type> <urn:x:1>"),
        ("dateModified", "2026-01-01T00:00:00Z", '<http://purl.org/dc/terms/modified> "2026-01-01T00:00:00Z"^^'),
        ("descriptionHtml", "<p>x</p>", f'<{ELM}descriptionHtml> "<p>x</p>"'),
        ("bannerImage", "urn:x:1", f"<{ELM}bannerImage> <urn:x:1>"),
    ],
)
def test_keys_whose_name_is_not_the_property_s(key: str, value: str, line: str) -> None:
    (record,), _, _ = map_json({"@context": EDC, "id": "urn:x:c", "type": "Qualification", key: value})
    assert line in record.ntriples


# Credentials -------------------------------------------------------------------------------------------------------


def test_a_credential_gives_its_learning_specification() -> None:
    (record,), refusals, account = map_json(credential())
    assert refusals == []
    assert record.iri == "https://example.org/courses/NL0028/MC-1"
    for line in (
        '<http://purl.org/dc/terms/title> "Data for Everyone"@en .',
        '<http://purl.org/dc/terms/title> "Data voor iedereen"@nl-nl .',
        "<http://purl.org/dc/terms/publisher> <https://example.org/institutions/NL0028> .",
        f"<{ELM}EQFLevel> <http://data.europa.eu/snb/eqf/7> .",
        f'<{ELM}contentUrl> "https://www.utwente.nl/mc"^^',
    ):
        assert line in record.ntriples
    uses = {(use.path, use.outcome): use.reason for use in account.fields}
    assert uses["colour", "unmapped"] == "no JSON-LD context defines it"
    assert "urn:epass" not in record.ntriples
    assert "a label of ours" not in record.ntriples


def test_nothing_of_the_person_is_read_or_told() -> None:
    records, _, account = map_json(credential())
    told = repr((records, account.issues, account.fields))
    assert "Hopper" not in told
    assert "Grace" not in told
    assert ("foaf:familyName", "ignored") in {(use.path, use.outcome) for use in account.fields}


def test_a_sealed_credential_is_opened() -> None:
    payload = base64.urlsafe_b64encode(json.dumps(credential()).encode()).decode().rstrip("=")
    sealed = {"payload": payload, "signatures": [{"protected": "e30", "signature": "c2ln"}]}
    assert map_json(sealed)[0] == map_json(credential())[0]
    assert map_json({"payload": "no base64!", "signature": "x"})[0] == []


def test_names_inside_several_credentials_are_kept_apart() -> None:
    payload = base64.urlsafe_b64encode(json.dumps(credential("MC-2", "Other")).encode()).decode()
    records, _, _ = map_json([credential(), {"payload": payload, "signature": "c2ln"}])
    assert [record.iri.rpartition("/")[2] for record in records] == ["MC-1", "MC-2"]
    assert '"Other"' not in records[0].ntriples


# Faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda nodes: nodes, lambda nodes: {"@context": EDC, "@graph": nodes}])
def test_one_entry_that_cannot_be_read_costs_no_other(wrap: Any) -> None:
    nodes: list[Any] = [
        {"@context": EDC, "@id": f"https://x.example/{n}", "@type": "Qualification", "title": {"en": str(n)}}
        for n in range(9)
    ]
    nodes[4]["@id"] = 4
    nodes[6]["@type"] = {"a": 1}
    records, refusals, account = map_json(wrap(nodes))
    assert [record.iri[-1] for record in records] == list("0123578")
    assert [refusal.position.rpartition(" entry ")[2] for refusal in refusals] == ["5", "7"]
    assert "@id value must be a string" in refusals[0].issue.message
    assert [issue.severity for issue in account.issues] == ["violation"] * 2


def test_nulls_in_place_of_languages_refuse_nothing() -> None:
    (record,), _, account = map_json(
        {
            "@context": EDC,
            "id": "https://x.example/1",
            "type": "Qualification",
            "title": [{"@value": "A", "@language": None}, {"@value": "B", "@language": ""}],
            "description": {"en": None, "de": "C"},
        }
    )
    for text in ('"A"@und', '"B"@und', '"C"@de'):
        assert text in record.ntriples
    assert {issue.code for issue in account.issues} == {"text-without-language"}


def test_identifiers_that_are_no_iris_are_mended_or_told() -> None:
    records, _, account = map_json(
        {
            "@context": EDC,
            "@graph": [
                {"id": "https://x.example/a b", "type": "Qualification", "homepage": {"id": "http://[x/"}},
                {"id": "https://x.example/c", "type": "Qualification", "title": {"en_GB": "C", "deutsch!": "D"}},
            ],
        }
    )
    assert [record.iri for record in records] == ["https://x.example/a%20b", "https://x.example/c"]
    assert '"C"@en-gb' in records[1].ntriples
    assert '"D"@und' in records[1].ntriples
    assert {issue.code for issue in account.issues} == {
        "iri-invalid",
        "iri-mended",
        "language-tag-invalid",
        "text-without-language",
    }
    assert [(use.path, use.count) for use in account.fields if use.outcome == "dropped"] == [("foaf:homepage", 1)]


def test_a_document_of_another_format_tells_its_keys() -> None:
    records, _, account = map_json({"items": [{"courseId": "1", "name": "Algebra"}]})
    assert records == []
    assert {use.path for use in account.fields if use.outcome == "unmapped"} >= {"items", "courseId", "name"}


def test_deep_nesting_is_refused_before_any_parser_sees_it() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"a": deep}
    payload = base64.urlsafe_b64encode(json.dumps(deep).encode()).decode()
    for document in (deep, {"payload": payload, "signature": "x"}, [{"payload": payload, "signature": "x"}]):
        with pytest.raises(UnreadableData, match="nested deeper than 100 levels"):
            JsonLdReader(CONTEXTS, URL).read(json.dumps(document).encode())

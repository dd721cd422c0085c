"""Records that come on several pages: single resources, lists of them, and lists below other resources."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from qlink_ld.mapping import Account, Document, JsonMapper, load_mapping
from qlink_ld.model import Institution, Record
from qlink_ld.namespaces import Iris

MAPPING = """
name = "shop"
title = "A shop of courses"
match = { type = "json" }
context = "context.jsonld"

[[resource]]
name = "thing"
records = "data"
single = true
repeats = true
page_parent = "unit"
identifier = "id"
class = ["ql:LearningOpportunitySpecification"]
[resource.nodes]
"inner.code" = { class = "elm:Note", value = "text" }

[[resource]]
name = "whole"
records = "data"
identifier = "id"
class = ["ql:LearningOpportunitySpecification"]

[[join]]
key = "wholes"
resource = "whole"
identifier = "id"
take = ["attributes.label"]
shared = true
always = true

[[join]]
key = "unit"
resource = "unit"
records = "list"
identifier = "id"
take = ["name"]

[references]
parts = { resource = "thing", identifier = "id", scheme = "shop:thing" }
"""
CONTEXT = """{"@context": ["common.jsonld", {
  "attributes": "@nest",
  "name": {"@id": "dcterms:title", "@language": "en"},
  "code": {"@id": "elm:category", "@language": "en"},
  "inner": {"@id": "elm:provenBy", "@context": {
    "code": "elm:additionalNote", "text": {"@id": "elm:noteLiteral", "@language": "en"}}},
  "unit": "@nest",
  "wholes": {"@id": "elm:isPartOf", "@context": {"label": "source:label"}},
  "parts": "elm:hasPart",
  "level": {"@id": "source:level", "@type": "@vocab", "@context": {"six": "http://data.europa.eu/snb/eqf/6"}}
}]}"""
RULES = {
    "whole": """PREFIX elm: <http://data.europa.eu/snb/model/ontology/>
PREFIX source: <urn:qlink-ld:source:>
CONSTRUCT { ?s elm:specialisationOf ?record ; elm:category ?label }
WHERE { ?s source:of ?id . BIND(IRI(CONCAT("urn:qlink-ld:source:node:whole:", ?id)) AS ?node)
  ?node source:record ?record ; source:label ?label }""",
    "level": """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX source: <urn:qlink-ld:source:>
CONSTRUCT { ?s skos:note ?label }
WHERE { ?s source:level ?level . GRAPH <urn:qlink-ld:vocabulary:eqf> { ?level skos:prefLabel ?label } }""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    common = Path(load_mapping("ooapi-5").folder).parent / "common/context.jsonld"
    (tmp_path / "rules").mkdir()
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "context.jsonld").write_text(CONTEXT, encoding="utf-8")
    (tmp_path / "common.jsonld").write_bytes(common.read_bytes())
    for name, text in RULES.items():
        (tmp_path / "rules" / f"{name}.rq").write_text(text, encoding="utf-8")
    return tmp_path


def convert(folder: Path, *pages: tuple[str, Any, str | None]) -> tuple[dict[str, str], Account]:
    """Map pages (resource, content, whose list); return N-Triples by id, and the account."""
    account = Account("shop")
    shop = Institution("XX0001", "Shop")
    documents = [Document(name, name, partial(orjson.dumps, content), parent) for name, content, parent in pages]
    mapper = JsonMapper(load_mapping(str(folder)), shop, Iris("https://e.example/"), account, date(2026, 1, 1))
    records = [entry for batch in mapper.map_documents(documents) for entry in batch if isinstance(entry, Record)]
    return {record.iri.rpartition("/")[2]: record.ntriples for record in records}, account


def test_a_single_resource_is_a_record_and_its_list_repeats_it_without_complaint(folder: Path) -> None:
    found, account = convert(
        folder,
        ("thing", {"data": {"id": "a", "name": "Whole"}}, None),
        ("thing", {"data": [{"id": "a", "name": "Cut"}, {"id": "b", "name": "Other"}]}, None),
    )
    assert '"Whole"@en' in found["a"]
    assert "Cut" not in found["a"]
    assert '"Other"@en' in found["b"]
    assert not account.issues
    assert [(use.path, use.outcome, use.reason) for use in account.fields if use.path == "*"] == [
        ("*", "ignored", "the same record was read on an earlier page")
    ]


def test_an_object_is_no_list_of_records_where_that_is_not_said(folder: Path) -> None:
    _, account = convert(folder, ("whole", {"data": {"id": "w"}}, None))
    assert {issue.code for issue in account.issues} == {"page-without-records"}


def test_a_record_knows_whose_list_it_was_in(folder: Path) -> None:
    units = ("unit", {"list": [{"id": "u", "name": "Physics"}]}, None)
    found, _ = convert(folder, units, ("thing", {"data": [{"id": "a"}]}, "u"))
    assert '"Physics"@en' in found["a"]


def test_rules_know_the_iri_of_a_joined_record_and_members_at_a_path(folder: Path) -> None:
    wholes = ("whole", {"data": [{"id": "w", "attributes": {"label": "All"}}, {"id": "a"}]}, None)
    found, _ = convert(folder, ("thing", {"data": [{"id": "a", "of": "w"}, {"id": "b", "of": "a"}]}, None), wholes)
    assert "specialisationOf> <https://e.example/courses/XX0001/w>" in found["a"]
    assert '"All"' in found["a"]
    assert "whole%3Aa" in found


def test_a_node_can_be_named_by_its_path(folder: Path) -> None:
    found, _ = convert(folder, ("thing", {"data": {"id": "a", "code": "plain", "inner": {"code": "deep"}}}, None))
    assert 'category> "plain"@en' in found["a"]
    assert 'noteLiteral> "deep"@en' in found["a"]


def test_a_reference_names_the_scheme_of_its_id(folder: Path) -> None:
    found, _ = convert(folder, ("thing", {"data": {"id": "a", "parts": ["b"]}}, None))
    assert 'schemeName> "shop:thing"' in found["a"]


def test_rules_that_name_labels_read_those_of_a_vocabulary(folder: Path) -> None:
    found, _ = convert(folder, ("thing", {"data": {"id": "a", "level": "six"}}, None))
    assert '"Level 6"@en' in found["a"]

"""The real export of a university's U-GOV: every activity, checked against values that are read without the mapping."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from pyoxigraph import Literal, NamedNode, RdfFormat, Store

from qlink_ld.mapping import Account, Document, JsonMapper, load_mapping
from qlink_ld.mapping.xml_document import read_root_name
from qlink_ld.model import Institution, Record
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, QL, RDF, RDFS, SKOS, Iris

_NS = "{http://ws.di.u-gov.cineca.it/}"
_INSTITUTION = Institution(id="IT0059", name="Università di Pavia", schac="unipv.it")
_COURSES = "https://example.org/courses/IT0059/"
_TAGS = {"ita": "it", "eng": "en"}


@dataclass(frozen=True)
class Export:
    """The export, and what the mapping made of it."""

    root: etree._Element
    store: Store
    records: list[Record]
    account: Account

    def values(self, subject: str, predicate: str) -> list[NamedNode | Literal]:
        found = self.store.quads_for_pattern(NamedNode(subject), NamedNode(predicate), None, None)
        return [quad.object for quad in found if isinstance(quad.object, NamedNode | Literal)]

    def texts(self, subject: str, *way: str) -> set[tuple[str, str | None]]:
        """The texts at the end of a way of properties, with their languages."""
        nodes: list[NamedNode | Literal] = [NamedNode(subject)]
        for predicate in way:
            nodes = [value for node in nodes for value in self.values(node.value, predicate)]
        return {(node.value, node.language) for node in nodes if isinstance(node, Literal)}


@pytest.fixture(scope="module")
def export(shared: Path) -> Export:
    body = (shared / "samples" / "bespoke" / "pavia-ugov.xml").read_bytes()
    account = Account("pavia")
    mapper = JsonMapper(load_mapping("u-gov"), _INSTITUTION, Iris("https://example.org/"), account, date(2025, 1, 15))
    mapped = [entry for batch in mapper.map_documents([Document("data", "pavia.xml", lambda: body)]) for entry in batch]
    records = [entry for entry in mapped if isinstance(entry, Record)]
    assert records == mapped
    store = Store()
    for record in records:
        store.load(record.ntriples.encode(), format=RdfFormat.N_TRIPLES)
    return Export(etree.fromstring(body), store, records, account)


def activities(export: Export) -> Iterator[tuple[str, etree._Element]]:
    for activity in export.root.iter(f"{_NS}af"):
        yield _COURSES + text(activity, "afId"), activity


def text(element: etree._Element, name: str) -> str:
    """The text of a child, with single blanks; empty if there is none."""
    return " ".join((element.findtext(f"{_NS}{name}") or "").split())


def said(activity: etree._Element, kind: str) -> dict[str, list[str]]:
    """The texts of a kind, by language: what the whole activity says comes first, then its groups of students."""
    blocks = sorted(activity.findall(f"{_NS}testi"), key=lambda block: text(block, "partStuCod"))
    found: dict[str, list[str]] = {}
    for block in blocks:
        for entry in block.findall(f"{_NS}testo"):
            words = re.sub(r"\S+@example\.org", _mask, text(entry, "contenuto"))
            if text(entry, "tipoTestoCod") == kind and re.search(r"\w", words):
                found.setdefault(_TAGS[text(entry, "linguaCod")], []).append(words)
    return found


def _mask(found: re.Match[str]) -> str:
    """The address of a teacher, as it is published: with the brackets and stops around it."""
    return found[0].replace("docente@example.org", "[e-mail]")


def plain(texts: set[tuple[str, str | None]]) -> set[tuple[str, str | None]]:
    return {(" ".join(words.split()), tag) for words, tag in texts}


def test_every_activity_is_a_record_and_so_is_the_programme(export: Export) -> None:
    iris = [iri for iri, _ in activities(export)]
    assert len(iris) == 41
    assert {record.iri for record in export.records} == {*iris, f"{_COURSES}32400"}


def test_every_activity_has_both_titles(export: Export) -> None:
    for iri, activity in activities(export):
        expected = {(text(activity, "afGenDes"), "it"), (text(activity, "afGenDesEng"), "en")}
        assert export.texts(iri, f"{DCTERMS}title") == expected


def test_every_activity_has_its_credits(export: Export) -> None:
    for iri, activity in activities(export):
        ((points, _),) = export.texts(iri, f"{ELM}creditPoint", f"{ELM}point")
        assert float(points) == float(text(activity, "peso"))
        (credit,) = export.values(iri, f"{ELM}creditPoint")
        assert export.values(credit.value, f"{ELM}framework") == [
            NamedNode("http://data.europa.eu/snb/education-credit/6fcec5c5af")
        ]


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("OBIETT_FORM", (f"{ELM}learningOutcome", f"{DCTERMS}title")),
        ("OBIETT_FORM", (f"{ELM}learningOutcomeSummary", f"{ELM}noteLiteral")),
        ("PREREQ", (f"{ELM}entryRequirement", f"{ELM}noteLiteral")),
        ("CONTENUTI", (f"{DCTERMS}description",)),
        ("MOD_VER_APPR", (f"{ELM}provenBy", f"{DCTERMS}description")),
    ],
)
def test_every_activity_has_its_texts_in_italian_and_english(export: Export, kind: str, way: tuple[str, ...]) -> None:
    languages = set()
    for iri, activity in activities(export):
        expected = {(texts[0], tag) for tag, texts in said(activity, kind).items()}
        languages |= {tag for _, tag in expected}
        assert plain(export.texts(iri, *way)) == expected
    assert languages == {"it", "en"}


@pytest.mark.parametrize("kind", ["TESTI_RIF", "OB_SVIL_SOS"])
def test_literature_and_goals_are_notes(export: Export, kind: str) -> None:
    for iri, activity in activities(export):
        notes = plain(export.texts(iri, f"{ELM}additionalNote", f"{ELM}noteLiteral"))
        assert notes >= {(texts[0], tag) for tag, texts in said(activity, kind).items()}


def test_teaching_methods_belong_to_the_instance_or_to_a_note(export: Export) -> None:
    for iri, activity in activities(export):
        expected = {(texts[0], tag) for tag, texts in said(activity, "METODI_DID").items()}
        taught = export.texts(
            iri, f"{ELM}learningOpportunity", f"{ELM}learningActivitySpecification", f"{DCTERMS}description"
        )
        noted = export.texts(iri, f"{ELM}additionalNote", f"{ELM}noteLiteral")
        assert plain(taught if text(activity, "tipoCicloCod") else taught | noted) >= expected


def test_every_term_is_an_instance_with_its_dates_and_language(export: Export) -> None:
    terms = {text(term, "tipoCicloCod"): term for term in export.root.iter(f"{_NS}ciclo")}
    count = 0
    for iri, activity in activities(export):
        code = text(activity, "tipoCicloCod")
        instances = [NamedNode(f"{iri}/instances/{code}")] if code else []
        count += len(instances)
        assert export.values(iri, f"{ELM}learningOpportunity") == instances
        if not code:
            continue
        way = (f"{ELM}learningOpportunity", f"{DCTERMS}temporal")
        assert export.texts(iri, *way, f"{SKOS}prefLabel") == {(text(terms[code], "cicloDes"), "it")}
        for member, predicate, hour in (("dataInizio", "startDate", "00:00:00"), ("dataFine", "endDate", "23:59:59")):
            day, month, year = text(terms[code], member).split("-")
            assert export.texts(iri, *way, f"{ELM}{predicate}") == {(f"{year}-{month}-{day}T{hour}", None)}
        codes = {text(language, "linDidCod") for language in activity.iter(f"{_NS}linDidAf")}
        language = f"http://publications.europa.eu/resource/authority/language/{min(codes).upper()}"
        assert export.values(instances[0].value, f"{ELM}defaultLanguage") == [NamedNode(language)]
    assert count == 30


def test_every_activity_is_part_of_the_programme_and_has_its_level(export: Export) -> None:
    programme = f"{_COURSES}32400"
    assert export.texts(programme, f"{DCTERMS}title") == {("COMUNICAZIONE, INNOVAZIONE, MULTIMEDIALITÀ", "it")}
    for iri in (programme, *(iri for iri, _ in activities(export))):
        assert export.values(iri, f"{ELM}EQFLevel") == [NamedNode("http://data.europa.eu/snb/eqf/6")]
    for iri, _ in activities(export):
        wholes = {
            whole.value: reference.value
            for reference in export.values(iri, f"{ELM}isPartOf")
            for whole in export.values(reference.value, f"{RDFS}seeAlso")
        }
        assert programme in wholes
        assert export.texts(wholes[programme], f"{ADMS}identifier", f"{SKOS}notation") == {("32400", None)}
        assert export.values(wholes[programme], f"{RDF}type") == [
            NamedNode(f"{QL}LearningOpportunitySpecificationReference")
        ]


def test_a_group_of_students_is_part_of_the_undivided_activity(export: Export) -> None:
    groups = 0
    for iri, activity in activities(export):
        whole = text(activity, "afPdrId")
        seen = {
            record.value
            for reference in export.values(iri, f"{ELM}isPartOf")
            for record in export.values(reference.value, f"{RDFS}seeAlso")
        }
        groups += whole != "0"
        assert (f"{_COURSES}{whole}" in seen) == (whole != "0")
    assert groups == 6


def test_no_personal_data_is_published(export: Export) -> None:
    published = "".join(record.ntriples for record in export.records)
    assert "@example.org" not in published
    secrets = {
        text(activity, name) for _, activity in activities(export) for name in ("matrRespDid", "idAbRespDid")
    } - {""}
    assert len(secrets) > 50
    notations = {quad.object.value for quad in export.store if isinstance(quad.object, Literal)}
    assert not secrets & notations
    told = " ".join(issue.message + (issue.value or "") for issue in export.account.issues)
    assert not any(secret in told for secret in secrets)


def test_every_leaf_of_the_export_is_mapped_or_ignored_with_a_reason(export: Export) -> None:
    outcomes = {(use.outcome, bool(use.reason)) for use in export.account.fields}
    assert outcomes <= {("mapped", False), ("ignored", True)}
    assert not export.account.issues


def test_the_root_of_the_answer_is_known(shared: Path) -> None:
    body = (shared / "samples" / "bespoke" / "pavia-ugov.xml").read_bytes()
    assert read_root_name(body) == f"{_NS}ProgrammazioneDidatticaResponse"

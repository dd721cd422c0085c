"""The XML form of LOQ: known by its root element, all of its schema has a place, and what it says is ELM."""

import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from qlink_ld.config import Config
from qlink_ld.convert import Conversion, convert_document
from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import Account, load_mapping, map_graph
from qlink_ld.mapping.context import Context, compile_context
from qlink_ld.mapping.elm import read_rdf
from qlink_ld.mapping.folder import find_mapping
from qlink_ld.mapping.graph_document import find_rooted_name
from qlink_ld.model import DataSource, Institution, Record
from qlink_ld.namespaces import DCTERMS, ELM, Iris
from qlink_ld.registry.describe import describe_institution
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.records import RecordValidator, collect_types

_XS = "{http://www.w3.org/2001/XMLSchema}"
_CASE = Path(__file__).parents[1] / "mappings" / "loq-xml-3" / "university" / "input.xml"
_INSTITUTION = Institution(id="NL0028", name="University of Corvedal", schac="uni-corvedal.example")
_IRIS = Iris("https://example.org/")
_CORVEDAL = "https://data.uni-corvedal.example/"
# The types of other namespaces, whose schemas are apart: what the documents of the Commission have in them.
_TEXT: tuple[set[str], dict[str, str]] = ({"language"}, {})
_FOREIGN: dict[str, tuple[set[str], dict[str, str]]] = {
    "rdf:LangStringType": _TEXT,
    "skos:ConceptType": (
        {"uri"},
        {"prefLabel": "rdf:LangStringType", "altLabel": "rdf:LangStringType", "notation": "", "inScheme": ""},
    ),
    "adms:IdentifierType": (set(), {"notation": "notation", "creator": ""}),
    "notation": ({"type"}, {}),
    "foaf:AgentType": (set(), {}),
    "dc:LocationType": (set(), {}),
    "dc:PeriodOfTimeType": (set(), {}),
    "rov:RegisteredOrganizationType": (set(), {}),
}
_ELEMENTS = {
    "skos:notation": "notation",
    "skos:prefLabel": "rdf:LangStringType",
    "skos:altLabel": "rdf:LangStringType",
    "dc:type": "skos:ConceptType",
    "dc:subject": "skos:ConceptType",
    "dc:creator": "",
    "locn:geometry": "geometry",
}
_FOREIGN["geometry"] = (set(), {"longitude": "", "latitude": ""})


def convert(body: bytes, mapping: str = "elm", url: str = "https://uni.example/courses.xml") -> Conversion:
    now = datetime(2025, 10, 1, tzinfo=UTC)
    return convert_document(body, None, url, mapping, _INSTITUTION, _IRIS, now)


# Known by its root -------------------------------------------------------------------------------------------------


def test_a_source_of_elm_whose_root_is_courses_goes_to_this_mapping() -> None:
    body = _CASE.read_bytes()
    assert find_rooted_name(body) == "loq-xml-3"
    for media_type in (None, "application/xml", "application/rdf+xml", "text/turtle"):
        account = Account("elm")
        source = DataSource("elm", "elm", "https://uni.example/courses", content_type=media_type)
        mapped = map_graph(
            gzip.compress(body),
            find_mapping(source),
            _INSTITUTION,
            source,
            _IRIS,
            account,
            date(2025, 10, 1),
            media_type,
            source.path,
        )
        records = [entry for batch in mapped for entry in batch if isinstance(entry, Record)]
        assert [record.iri for record in records] == [f"{_CORVEDAL}courses/GEO-114", f"{_CORVEDAL}programmes/BSC-GEO"]
        assert not [issue for issue in account.issues if issue.code == "content-type-wrong"]


def test_it_can_be_named_as_well() -> None:
    assert convert(_CASE.read_bytes(), "loq-xml-3") == convert(_CASE.read_bytes(), "elm")


@pytest.mark.parametrize(
    "body",
    [
        b"<Courses><learningOpportunityReferences/></Courses>",
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        b"@prefix elm: <http://data.europa.eu/snb/model/ontology/> .",
        b"<https://uni.example/a> <https://uni.example/b> <https://uni.example/c> .",
        b"{}",
        b"",
    ],
)
def test_other_documents_are_not_taken_for_it(body: bytes) -> None:
    assert find_rooted_name(body) is None


def test_another_document_is_refused_where_this_mapping_is_named() -> None:
    with pytest.raises(UnreadableData, match="not XML that can be read"):
        convert(b'{"courses": []}', "loq-xml-3")


# The whole schema --------------------------------------------------------------------------------------------------


class Schema:
    """The types of the schema: their attributes and elements."""

    def __init__(self, file: Path) -> None:
        root = etree.parse(file).getroot()
        self.types = {str(t.get("name")): t for t in root.findall(f"{_XS}complexType")}
        self.elements = {str(e.get("name")): str(e.get("type")) for e in root.findall(f"{_XS}element")}

    def read(self, name: str) -> tuple[set[str], dict[str, str]]:
        """The attributes, and the elements with their types, of a type and all that it extends."""
        if name in _FOREIGN:
            return _FOREIGN[name]
        if name not in self.types:  # a simple type, or the codes of a vocabulary: an IRI in `uri`
            return ({"uri"}, {}) if name.endswith("RestrictionType") else (set(), {})
        attributes: set[str] = set()
        elements: dict[str, str] = {}
        for base in (*self.types[name].iter(f"{_XS}extension"), *self.types[name].iter(f"{_XS}restriction")):
            if base.getparent() is not None and base.getparent().tag == f"{_XS}complexContent":  # type: ignore[union-attr]
                more, inner = self.read(str(base.get("base")))
                attributes |= more
                elements |= inner
        attributes |= {str(a.get("name")) for a in self.types[name].iter(f"{_XS}attribute")}
        for element in self.types[name].iter(f"{_XS}element"):
            reference = element.get("ref")
            own = str(reference or element.get("name")).rpartition(":")[2]
            kind = element.get("type") or _ELEMENTS.get(str(reference)) or self.elements.get(str(reference)) or ""
            elements[own] = kind
        return attributes, elements


def walk(schema: Schema, name: str, path: tuple[str, ...], seen: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """The ways to every attribute and element below a type."""
    attributes, elements = schema.read(name)
    for attribute in sorted(attributes):
        yield (*path, attribute)
    for element, kind in elements.items():
        yield (*path, element)
        if kind not in seen:
            yield from walk(schema, kind, (*path, element), seen | {kind})


def is_known(way: tuple[str, ...], context: Context, ignore: set[str]) -> bool:
    """Whether the context has a term for the last name, there; or the mapping ignores it with a reason."""
    if {way[-1], ".".join(way[-2:]), ".".join(way)} & ignore:
        return True
    for name in way[:-1]:
        context = context.scope(name)
    return way[-1] in context.terms


def test_every_element_and_attribute_of_the_schema_is_mapped_or_ignored(shared: Path) -> None:
    schema = Schema(shared / "reference" / "elm" / "xsd-loq" / "loq.xsd")
    mapping = load_mapping("loq-xml-3")
    ignore = set(mapping.ignore)
    attributes, sections = schema.read("CoursesRootType")
    assert attributes <= ignore
    entries = {
        f"{section}.{entry}": (entry, kind)
        for section, sort in sections.items()
        for entry, kind in schema.read(sort)[1].items()
    }
    assert entries.keys() == {".".join(resource.path) for resource in mapping.resources}
    ways = 0
    for resource in mapping.resources:
        _, kind = entries[".".join(resource.path)]
        context = compile_context(resource.context)
        unknown = []
        for way in walk(schema, kind, (), frozenset({kind})):
            ways += 1
            if not is_known(way, context, ignore):
                unknown.append(".".join(way))
        assert not unknown, f"{resource.name}: no mapping file names {unknown}"
    assert ways > 1000


def test_an_element_that_the_schema_gains_would_be_noticed() -> None:
    context = compile_context(load_mapping("loq-xml-3").resources[0].context)
    assert is_known(("title", "language"), context, set())
    assert not is_known(("newElement",), context, set())
    assert not is_known(("title", "newAttribute"), context, set())


# What it says ------------------------------------------------------------------------------------------------------


def test_the_commissions_sample_is_mapped_to_the_last_leaf(shared: Path) -> None:
    body = (shared / "samples" / "elm-xsd" / "loq-with-learning-achievement-specification.xml").read_bytes()
    conversion = convert(body)
    assert (conversion.records, conversion.refused) == (2, 0)
    left_out = {(use.outcome, use.reason) for use in conversion.fields if use.outcome != "mapped"}
    assert left_out == {
        ("ignored", "the version of the schema"),
        ("ignored", "the datatype of a code; codes are text"),
    }
    told = {
        (triple.predicate.value, triple.object.value, triple.object.language)
        for triple in parse(conversion.ntriples.encode(), format=RdfFormat.N_TRIPLES)
        if isinstance(triple.object, Literal)
    }
    root = etree.fromstring(body)
    for name, predicate in (("title", f"{DCTERMS}title"), ("noteLiteral", f"{ELM}noteLiteral")):
        texts = list(root.iter(f"{{http://data.europa.eu/snb/model/ap/loq-constraints/}}{name}"))
        assert len(texts) > 50
        for text in texts:
            assert (predicate, text.text, text.get("language")) in told


def test_the_iris_of_the_document_stay(shared: Path) -> None:
    body = (shared / "samples" / "elm-xsd" / "loq-with-learning-achievement-specification.xml").read_bytes()
    subjects = {
        triple.subject.value
        for triple in parse(convert(body).ntriples.encode(), format=RdfFormat.N_TRIPLES)
        if isinstance(triple.subject, NamedNode)
    }
    assert {"http://LOP-01", "http://LAchievementS-01", "http://ORG-01", "http://LOC-01"} <= subjects


def test_a_realistic_document_conforms_to_the_profile() -> None:
    account = Account("elm")
    source = DataSource("elm", "elm", "https://uni.example/courses.xml", default_language="en")
    mapped = map_graph(
        _CASE.read_bytes(),
        load_mapping("elm"),
        _INSTITUTION,
        source,
        _IRIS,
        account,
        date(2025, 10, 1),
        None,
        source.path,
    )
    records = [entry for batch in mapped for entry in batch if isinstance(entry, Record)]
    assert [(record.opportunities, record.instances) for record in records] == [(1, 1), (1, 0)]
    config = Config()
    validator = RecordValidator(
        load_engine(config.validation.engine, config.validation.shapes),
        describe_institution(_INSTITUTION, config.alliances, _IRIS),
    )
    for verdict in validator.judge(records, dict(collect_types(records))):
        assert verdict.conforms, verdict.results
    assert not [use for use in account.fields if use.outcome in ("dropped", "unmapped")]


def test_a_reference_to_nothing_is_told_with_its_line() -> None:
    body = _CASE.read_bytes().replace(b'<location id="campus">', b'<location id="campus 2">')
    found = [issue for issue in convert(body).issues if issue.code == "reference-unknown"]
    assert [(issue.field, issue.value) for issue in found] == [
        ("learningOpportunity.location", "campus"),
        ("organisation.location", "campus"),
    ]
    line = _CASE.read_bytes().splitlines().index(b'      <location idref="campus"/>') + 1
    assert found[0].position == f"https://uni.example/courses.xml line {line}"


def test_it_can_be_validated_as_it_is() -> None:
    ntriples = read_rdf(_CASE.read_bytes(), "application/xml", "https://uni.example/courses.xml")
    assert f'<{_CORVEDAL}courses/GEO-114> <{DCTERMS}title> "Maps of the Old Valley"@en .\n' in ntriples

"""Our shapes and the official QualityLink profile find the same violations, on samples and on one fault of every kind.

The faults are not written by hand: each constraint of the official file is broken on data made to conform otherwise.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse
from rdflib import OWL, RDF, RDFS, SH, XSD, Graph, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from qlink_ld.model import Result
from qlink_ld.namespaces import ELM, ELM_OLD, QL, SKOS
from qlink_ld.ntriples import write_literal, write_triples
from qlink_ld.validate.engine import ENGINES, ShaclEngine, load_engine
from qlink_ld.validate.records import add_context, validate_data
from qlink_ld.validate.shape_files import subclass_axioms

Finding = tuple[str, str | None, str, str | None]
RDF_TYPE = f"<{RDF.type}>"
CONCEPT = f"{SKOS}Concept"
SAMPLES = {
    str(XSD.boolean): ("true", "yes"),
    str(XSD.duration): ("PT10H", "P1W"),
    str(XSD.dateTime): ("2026-01-01T00:00:00Z", "2026-01-01"),
    str(XSD.nonNegativeInteger): ("0", "-1"),
    str(XSD.positiveInteger): ("1", "0"),
    str(XSD.anyURI): ("https://university.example/", None),
    str(XSD.string): ("A", None),
}


@dataclass
class PropertyShape:
    """One property shape of the official file."""

    target: str
    path: str
    least: int = 0
    most: int | None = None
    classes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    datatype: str | None = None
    unique_language: bool = False
    literal: bool = False
    pattern: bool = False
    fixed: str | None = None
    parameters: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Fault:
    """Data about one focus node with one constraint broken."""

    focus: str
    path: str | None
    component: str
    lines: tuple[str, ...]


class FaultMaker:
    """Makes conforming nodes from property shapes, and breaks one constraint each."""

    def __init__(self, shapes: list[PropertyShape]) -> None:
        self.shapes = shapes
        self.lines: list[str] = []
        self._shared: dict[str, str] = {}
        self._number = 0

    def _mint(self, kind: str) -> str:
        self._number += 1
        return f"<https://university.example/{kind.rstrip('/').rpartition('/')[2].rpartition('#')[2]}/{self._number}>"

    def _node(self, kind: str, *, fresh: bool = False) -> str:
        """A conforming node of a class; shared between faults unless it must be fresh."""
        if not fresh and kind in self._shared:
            return self._shared[kind]
        node = self._mint(kind)
        if not fresh:
            self._shared[kind] = node
        self.lines += self._describe(node, kind)
        return node

    def _describe(self, node: str, kind: str, without: str = "") -> list[str]:
        lines = [f"{node} {RDF_TYPE} <{kind}> .\n"]
        for shape in self.shapes:
            if shape.target == kind and shape.path != without:
                lines += [self._state(node, shape, value) for value in self._values(shape, shape.least)]
        return lines

    def _state(self, node: str, shape: PropertyShape, value: str) -> str:
        return f"{node} <{shape.path}> {value} .\n"

    def _values(self, shape: PropertyShape, count: int) -> list[str]:
        """So many different conforming values."""
        if shape.fixed and count:
            return [f"<{shape.fixed}>", *(f"<{shape.fixed}-{number}>" for number in range(1, count))]
        if kinds := (shape.classes or shape.alternatives):
            return [self._node(kinds[0], fresh=number > 0) for number in range(count)]
        return [self._literal(shape, number) for number in range(count)]

    def _literal(self, shape: PropertyShape, number: int) -> str:
        if shape.datatype == str(RDF.langString):
            return write_literal("text", language=("en", "nl", "de")[number])
        if shape.datatype is None:
            return write_literal(f"AT000{number}")
        lexical = SAMPLES[shape.datatype][0]
        if number:
            lexical = {"true": "false", "PT10H": "PT11H", "2026-01-01T00:00:00Z": "2027-01-01T00:00:00Z"}.get(
                lexical, f"{lexical}{number}"
            )
        return write_literal(lexical, datatype=None if shape.datatype == str(XSD.string) else shape.datatype)

    def make(self) -> Iterator[Fault]:
        for shape in self.shapes:
            for component, values in self._break(shape):
                focus = self._mint(shape.target)
                lines = self._describe(focus, shape.target, without=shape.path)
                yield Fault(
                    focus,
                    f"<{shape.path}>",
                    component,
                    (*lines, *(self._state(focus, shape, value) for value in values)),
                )

    def _break(self, shape: PropertyShape) -> Iterator[tuple[str, list[str]]]:
        if shape.least:
            yield "MinCountConstraintComponent", self._values(shape, shape.least - 1)
        if shape.most is not None:
            yield "MaxCountConstraintComponent", self._values(shape, shape.most + 1)
        rest = self._values(shape, max(shape.least - 1, 0))
        stranger = "<https://stranger.example/>"
        for component in (["Class"] if shape.classes else []) + (["Or"] if shape.alternatives else []):
            yield f"{component}ConstraintComponent", [*rest, stranger]
            yield f"{component}ConstraintComponent", [*rest, '"text"']
            yield f"{component}ConstraintComponent", [*rest, self._node(f"{ELM}Claim")]
        if shape.datatype:
            yield "DatatypeConstraintComponent", [stranger]
            for wrong in self._wrong_literals(shape.datatype):
                yield "DatatypeConstraintComponent", [wrong]
        if shape.unique_language:
            yield "UniqueLangConstraintComponent", ['"one"@en-gb', '"two"@EN-GB', '"three"@en']
        if shape.literal:
            yield "NodeKindConstraintComponent", [stranger]
        if shape.pattern:
            yield "PatternConstraintComponent", ['"AT01"']
            yield "PatternConstraintComponent", ['"AT00011"']
            yield "PatternConstraintComponent", ['"at0001"']
        if shape.fixed:
            yield "HasValueConstraintComponent", [stranger]
            yield "HasValueConstraintComponent", [write_literal(shape.fixed, datatype=str(XSD.anyURI))]

    def _wrong_literals(self, datatype: str) -> Iterator[str]:
        yield write_literal("12", datatype=str(XSD.integer))
        if datatype == str(RDF.langString):
            yield '"text"'
            return
        yield '"text"@en'
        if datatype != str(XSD.string):
            lexical, ill_typed = SAMPLES[datatype]
            yield write_literal(lexical)
            if ill_typed:
                yield write_literal(ill_typed, datatype=datatype)


def _read_official(file: Path) -> list[PropertyShape]:
    graph = Graph().parse(file)
    shapes: list[PropertyShape] = []
    for node in set(graph.subjects(RDF.type, SH.NodeShape)):
        targets = sorted(map(str, graph.objects(node, SH.targetClass))) or [str(node)]
        target = str(node) if str(node) in targets else targets[0]
        shapes += [_read_property(graph, target, child) for child in graph.objects(node, SH.property)]
    return sorted(shapes, key=lambda shape: (shape.target, shape.path))


def _read_property(graph: Graph, target: str, node: Node) -> PropertyShape:
    def one(predicate: URIRef) -> str | None:
        value = graph.value(node, predicate)
        return None if value is None else str(value)

    alternatives = graph.value(node, SH["or"])
    return PropertyShape(
        target=target,
        path=str(graph.value(node, SH.path)),
        least=int(one(SH.minCount) or 0),
        most=int(one(SH.maxCount) or 0) or None,
        classes=tuple(str(value) for value in graph.objects(node, SH["class"])),
        alternatives=tuple(str(graph.value(item, SH["class"])) for item in Collection(graph, alternatives))
        if alternatives
        else (),
        datatype=one(SH.datatype),
        unique_language=one(SH.uniqueLang) == "true",
        literal=one(SH.nodeKind) == str(SH.Literal),
        pattern=one(SH.pattern) is not None,
        fixed=one(SH.hasValue),
        parameters={str(predicate).removeprefix(str(SH)) for predicate in graph.predicates(node)},
    )


def _find(engine: ShaclEngine, data: str) -> Counter[Finding]:
    return Counter(
        (result.focus_node, result.path, result.component, result.value)
        for result in engine.validate(data)
        if result.severity == "violation"
    )


@pytest.fixture(scope="module")
def official(shared: Path) -> Path:
    return shared / "reference" / "quality-link" / "ontology-shacl.ttl"


@pytest.fixture(scope="module")
def faults(official: Path) -> tuple[list[Fault], str]:
    maker = FaultMaker(_read_official(official))
    made = list(maker.make())
    lines = maker.lines + [line for fault in made for line in fault.lines]
    return made, add_context("".join(lines))


def test_the_generator_knows_every_constraint_of_the_official_file(official: Path) -> None:
    shapes = _read_official(official)
    parameters = set().union(*(shape.parameters for shape in shapes))
    constraints = {"minCount", "maxCount", "class", "datatype", "uniqueLang", "nodeKind", "pattern", "hasValue", "or"}
    described = {"path", "name", "description", "order", "node"}  # sh:node only points to shapes outside the file
    assert parameters == constraints | described
    assert len(shapes) > 100


def test_each_fault_gives_the_same_violations_by_both_shapes_and_both_engines(
    official: Path, faults: tuple[list[Fault], str]
) -> None:
    made, data = faults
    reference = _find(load_engine("pyshacl", [official]), data)
    for fault in made:
        found = [(path, component) for focus, path, component, _ in reference if focus == fault.focus]
        assert (fault.path, fault.component) in found, f"this fault is none: {fault}"
        # Breaking one constraint may break another of the same property, never of another one.
        assert {path for path, _ in found} == {fault.path}, fault
    assert len(made) > 300
    for name, shapes in (("shacl", [official]), ("shacl", []), ("pyshacl", [])):
        found_by_other = _find(load_engine(name, shapes), data)
        assert found_by_other == reference, name


def test_shared_nodes_of_the_faults_conform(faults: tuple[list[Fault], str], official: Path) -> None:
    made, data = faults
    focus_nodes = {fault.focus for fault in made}
    assert {focus for focus, *_ in _find(load_engine("shacl", [official]), data)} == focus_nodes


def test_an_alliance_is_judged_as_officially(official: Path) -> None:
    data = add_context(
        f"<urn:alliance> {RDF_TYPE} <{QL}EuropeanUniversityAlliance> .\n"
        f"<urn:alliance> <http://xmlns.com/foaf/0.1/member> <urn:member> .\n"
    )
    found = [_find(load_engine(name, shapes), data) for name in ENGINES for shapes in ([], [official])]
    assert found[0] == found[1] == found[2] == found[3]
    assert {component for _, _, component, _ in found[0]} == {
        "MinCountConstraintComponent",
        "ClassConstraintComponent",
        "NodeConstraintComponent",
    }


def _normalise(file: Path) -> str:
    """Read a sample, moving IRIs of ELM 3.0 to 3.2 to ELM 3.3."""

    def convert(term: NamedNode | BlankNode | Literal | Triple) -> NamedNode | BlankNode | Literal | Triple:
        return NamedNode(term.value.replace(ELM_OLD, ELM)) if isinstance(term, NamedNode) else term

    triples = []
    for quad in parse(path=file, format=RdfFormat.TURTLE):
        subject, predicate = convert(quad.subject), convert(quad.predicate)
        assert isinstance(subject, NamedNode | BlankNode)
        assert isinstance(predicate, NamedNode)
        triples.append(Triple(subject, predicate, convert(quad.object)))
    return write_triples(triples)


@pytest.mark.parametrize("name", ["AT0002.ttl", "20251030_112437.ttl"])
def test_samples_get_the_same_violations(shared: Path, official: Path, name: str) -> None:
    data = _normalise(shared / "samples" / "elm" / name)

    def violations(engine: str, shapes: list[Path]) -> Counter[Finding]:
        return Counter(
            (result.focus_node, result.path, result.component, result.value)
            for result in validate_data(data, load_engine(engine, shapes))
            if result.severity == "violation"
        )

    ours = violations("shacl", [])
    assert ours
    assert ours == violations("pyshacl", []) == violations("shacl", [official]) == violations("pyshacl", [official])


def test_all_rdf_samples_are_checked(shared: Path) -> None:
    assert {file.name for file in (shared / "samples").rglob("*.ttl")} == {"AT0002.ttl", "20251030_112437.ttl"}


def test_reasons_for_refusing_the_sample_are_the_known_ones(shared: Path) -> None:
    results = validate_data(_normalise(shared / "samples" / "elm" / "AT0002.ttl"), load_engine("shacl"))
    fields = Counter(
        (result.component.removesuffix("ConstraintComponent"), str(result.path).rpartition("/")[2].rpartition("#")[2])
        for result in results
        if result.severity == "violation"
    )
    assert set(fields) >= {("MinCount", "identifier>"), ("MinCount", "EQFLevel>")}


def test_the_official_subclass_axioms_of_validated_classes_are_in_our_context(official: Path) -> None:
    ours = set(subclass_axioms().splitlines())
    graph = Graph().parse(official)
    for subject, parent in graph.subject_objects(RDFS.subClassOf):
        if (subject, RDF.type, SH.NodeShape) in graph:
            assert f"<{subject}> <{RDFS.subClassOf}> <{parent}> ." in ours
    assert (URIRef(f"{QL}Kajmak"), RDF.type, OWL.Class) in graph  # the joke class has no shape


def _results_of(data: str) -> list[tuple[Result, ...]]:
    return [validate_data(data, load_engine(name)) for name in ENGINES]


def test_results_of_both_engines_are_equal_in_every_part(faults: tuple[list[Fault], str]) -> None:
    _, data = faults
    first, second = _results_of(data)
    assert first == second

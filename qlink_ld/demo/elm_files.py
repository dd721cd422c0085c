"""Makes the ELM files of the demo, in every serialisation.

University of Thalassia: Turtle in ELM 3.3; JSON-LD in ELM 3.1 with blank nodes. University of Valea Mare: RDF/XML and
N-Triples in ELM 3.3. Apart from the deliberate faults (`faults.FAULTS`) every record satisfies the QualityLink profile
0.4.0.
"""

import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pyoxigraph import RdfFormat, Triple, parse, serialize

from qlink_ld.demo.elm_nodes import COURSE, PREFIXES, PROGRAMME, ElmWriter, Entry, Node, concept, typed
from qlink_ld.demo.teaching import Opportunity, Teaching
from qlink_ld.demo.texts import read_data
from qlink_ld.demo.universities import NORDHAIN, THALASSIA
from qlink_ld.namespaces import ELM, ELM_OLD

_TERMS: Final = {
    "autumn": {"el": "Χειμερινό εξάμηνο 2026-27", "en": "Autumn term 2026/27"},
    "spring": {"el": "Εαρινό εξάμηνο 2026-27", "en": "Spring term 2027"},
}
_EXAMINATION: Final = {"el": "Γραπτή εξέταση", "en": "Written examination"}
_MODES: Final = {"on campus": "onsite", "situated": "onsite", "hybrid": "hybrid"}
# Courses with a fault each, in the columns of `thalassia.json`; `make_turtle` puts the fault in.
_FAULTY: Final[tuple[list[Any], ...]] = (
    [
        "DEMO-NO-EQF", "0511", 6, 5, "el", "onsite",
        ["Παρατήρηση πουλιών", "Bird Watching"],
        ["Μετανάστευση και φωλιές στους υγροτόπους του νησιού.", "Migration and nests in the wetlands of the island."],
        ["Οι φοιτητές αναγνωρίζουν τα πουλιά του νησιού.", "Students recognise the birds of the island."],
    ],
    [
        "DEMO-DATE", "0541", 6, 5, "el", "hybrid",
        ["Μαθηματικά της ναυσιπλοΐας", "Mathematics of Navigation"],
        ["Σφαιρική τριγωνομετρία από τον αστρολάβο ως τον δορυφόρο.",
         "Spherical trigonometry, from astrolabe to satellite."],
        ["Οι φοιτητές υπολογίζουν θέση και πορεία.", "Students calculate position and course."],
    ],
    [
        "DEMO-FOREIGN", "0612", 7, 6, "en", "online",
        ["Συνδεδεμένα ανοικτά δεδομένα", "Linked Open Data"],
        ["Μάθημα που προσφέρει άλλο πανεπιστήμιο της συμμαχίας.",
         "A course that another university of the alliance offers."],
        ["Οι φοιτητές δημοσιεύουν ένα σύνολο δεδομένων.", "Students publish a data set."],
    ],
)  # fmt: skip


def make_turtle() -> bytes:
    """Return Thalassia's courses and programmes in ELM 3.3, Turtle, with the description of the institution."""
    writer = ElmWriter(THALASSIA, _TERMS, _EXAMINATION)
    data = read_data("thalassia.json")
    graph = [writer.institution()]
    for number, row in enumerate([*data["courses"], *_FAULTY]):
        graph += writer.write(_read_row(number, row, "courses", COURSE))
    for number, row in enumerate(data["programs"]):
        specification, *instances = writer.write(_read_row(number, row, "programmes", PROGRAMME))
        specification["elm:hasPart"] = [writer.reference(specification["@id"], code) for code in row[9]]
        graph += [specification, *instances]
    return _serialise(graph, RdfFormat.TURTLE)


def make_json_ld() -> bytes:
    """Return the courses of Thalassia's language centre in ELM 3.1, JSON-LD, nested nodes blank."""
    writer = ElmWriter(THALASSIA, _TERMS, _EXAMINATION, old=True)
    graph: list[Node] = []
    for number, (code, language, titles, descriptions, outcomes) in enumerate(
        read_data("thalassia-languages.json")["courses"]
    ):
        versions = [dict(zip((language, "en"), texts, strict=True)) for texts in (titles, descriptions, outcomes)]
        entry = Entry(
            iri=f"{THALASSIA.website}/language-centre/{code}",
            code=code,
            number=number,
            isced="0231",
            eqf=6,
            points=4,
            language=language,
            mode="onsite",
            titles=versions[0],
            descriptions=versions[1],
            outcomes=versions[2:],
            terms=_count_terms(number),
        )
        graph += writer.write(entry)
    document = {"@context": {**PREFIXES, "elm": ELM_OLD}, "@graph": graph}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def make_rdf_xml(teaching: Teaching, chosen: Sequence[Opportunity]) -> bytes:
    """Return learning opportunities in ELM 3.3, RDF/XML, with the description of the institution."""
    writer = _writer_of(teaching)
    graph = [writer.institution()]
    for it in chosen:
        graph += _write(writer, teaching, it)
    return _serialise(graph, RdfFormat.RDF_XML)


def make_n_triples(teaching: Teaching, chosen: Sequence[Opportunity]) -> bytes:
    """Return learning opportunities in ELM 3.3, N-Triples, one statement a line."""
    writer = _writer_of(teaching)
    return _serialise([node for it in chosen for node in _write(writer, teaching, it)], RdfFormat.N_TRIPLES)


def _count_terms(number: int, kind: str = COURSE) -> int:
    """Programmes and every third course have one term, others two."""
    return 1 if kind == PROGRAMME or number % 3 == 0 else 2


def _read_row(number: int, row: list[Any], folder: str, kind: str) -> Entry:
    """Read a row of `thalassia.json`."""
    code, isced, eqf, points, language, mode, titles, descriptions, outcomes = row[:9]
    versions = [dict(zip(("el", "en"), texts, strict=True)) for texts in (titles, descriptions, outcomes)]
    return Entry(
        iri=f"{THALASSIA.website}/{folder}/{code}",
        code=code,
        number=number,
        isced=isced,
        eqf=eqf,
        points=points,
        language=language,
        mode=mode,
        titles=versions[0],
        descriptions=versions[1],
        outcomes=versions[2:],
        kind=kind,
        terms=_count_terms(number, kind),
    )


def _writer_of(teaching: Teaching) -> ElmWriter:
    terms = {term.key: term.titles for term in teaching.terms}
    return ElmWriter(teaching.university, terms, teaching.courses[0].assessment)


def _write(writer: ElmWriter, teaching: Teaching, it: Opportunity) -> list[Node]:
    entry = Entry(
        iri=it.link,
        code=it.code,
        number=it.number,
        isced=it.isced,
        eqf=it.eqf,
        points=it.points,
        language=it.language,
        mode=_MODES.get(it.mode, "online"),
        titles=it.titles,
        descriptions=it.descriptions,
        outcomes=it.outcomes,
        kind=COURSE if it.kind == "course" else PROGRAMME,
        terms=len(it.offerings),
    )
    specification, *instances = writer.write(entry)
    if it.kind == "programme":
        parts = teaching.parts_of(it)
        specification["elm:hasPart"] = [writer.reference(it.link, part.code) for part in parts]
    return [specification, *instances]


def _serialise(graph: Iterable[Node], form: RdfFormat) -> bytes:
    """Write nodes after the deliberate faults are put in."""
    nodes = list(graph)
    for node in nodes:
        _spoil(node)
    document = {"@context": {**PREFIXES, "elm": ELM}, "@graph": nodes}
    triples: list[Triple] = [quad.triple for quad in parse(json.dumps(document), format=RdfFormat.JSON_LD)]
    triples.sort(key=lambda triple: str(triple.subject))  # what is said of a node stands together
    output = io.BytesIO()
    prefixes = None if form == RdfFormat.N_TRIPLES else {**PREFIXES, "elm": ELM}
    serialize(triples, output, format=form, prefixes=prefixes)
    return output.getvalue()


def _spoil(node: Node) -> None:
    """Put the fault into the specification that is to have it."""
    code = node["@id"].rpartition("/")[2]
    if code == "DEMO-NO-EQF":
        del node["elm:EQFLevel"]
    elif code == "DEMO-DATE":
        node["dcterms:modified"] = typed("date", "2026-05-04")
    elif code == "DEMO-FOREIGN":
        node["dcterms:publisher"] = {"@id": NORDHAIN.organisation_iri}
    elif code == "DEMO-TWO-LEVELS":
        node["elm:EQFLevel"] = [concept("eqf", "6"), concept("eqf", "7")]
    elif code == "DEMO-NO-OUTCOME":
        del node["elm:learningOutcome"]

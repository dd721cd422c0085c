"""Reads a body of RDF in any serialisation; what is wrong with single terms is mended or left out, and always told.

A parser that checks terms refuses a whole file for one IRI with a blank, or (JSON-LD) drops it without a word. So terms
are checked here: IRIs with blanks and the like are percent-encoded, and a statement with one that still is none is left
out; language tags get their canonical form (`EN`, `en_GB`, `eng` are `en`, `en-gb`, `en`), and a text with a tag that
is none is kept without it.

Source: RDF 1.1 Concepts §3.2, §3.3; BCP 47; DESIGN §2 (nothing is lost in silence).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse, serialize
from pyoxigraph import Triple as QuotedTriple

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.json_ld import JsonLdReader
from qlink_ld.mapping.rdf_format import read_text
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.mapping.rdf_terms import Triple
from qlink_ld.mapping.values import read_language

_UNDERSCORED_TAG = re.compile(rb"(?<=[\"'])@([A-Za-z]{2,3})_([A-Za-z0-9]{2,8})\b")
_CHUNK = 5000  # quads that are written as text together
_NOT_IN_IRIS = re.compile(r"[\x00-\x20<>\"{}|\\^`]")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was read otherwise than it stands in the file, or not at all. See `Account.report`."""

    code: str
    message: str
    value: str


@dataclass(slots=True)
class Reading:
    """The distinct triples of a file, in its order, and what was wrong with it.

    Attributes:
        triples: named graphs are read as one.
        problems: one for each kind and value.
        lost: statements that are left out: their predicate and their value.
        refused: entries of JSON-LD that could not be read: place and reason.
        quoted: statements about a quoted triple (RDF 1.2), which are left out.
    """

    triples: list[Triple] = field(default_factory=list)
    problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    lost: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)

    def tell(self, code: str, message: str, value: str) -> None:
        """Note a problem, once for each value."""
        self.problems.setdefault((code, value), Problem(code, message, value))


def read_triples(body: bytes, media_type: str | None, url: str, spec: RdfSpec, override: str | None = None) -> Reading:
    """Parse a body.

    Args:
        body: as received.
        media_type: `Content-Type` of the answer.
        url: where it came from: the base of relative IRIs, and named in messages.
        spec: the JSON-LD contexts that are known, and which IRIs are local names.
        override: `contentType` of the manifest.

    Raises:
        UnreadableData: it cannot be parsed; the message has the line where the parser knows it.
    """
    text = read_text(body, media_type, url, override)
    reading = Reading()
    if text.stated:
        reading.tell(
            "content-type-wrong",
            f"The content type does not say what the file is: {text.form.name}, and it is read as that. "
            "Ask the provider to correct it.",
            text.stated,
        )
    if text.form == RdfFormat.JSON_LD:
        reader = JsonLdReader(spec.contexts, url, spec.local)
        quads = reader.read(text.body)
        reading.refused = reader.refused
        return _check(quads, reading)
    if text.form == RdfFormat.RDF_XML:
        return _check(_parse(text.body, text.form, url, lenient=True), reading)
    try:
        return _check(_parse(text.body, text.form, url), reading)
    except UnreadableData as error:
        first = error
    return _check(_read_leniently(text.body, text.form, url, reading, first), reading)


def _parse(body: bytes, form: RdfFormat, url: str, *, lenient: bool = False) -> Iterator[Quad]:
    try:
        yield from parse(body, format=form, base_iri=url, lenient=lenient)
    except SyntaxError as error:
        place = f":{error.lineno}" if error.lineno else ""
        hint = "correct the file, or ask its provider to"
        if form == RdfFormat.TURTLE and (b"=>" in body or b"{" in body):
            hint += "; rules and formulae of Notation3 are no RDF"
        raise UnreadableData(f"{url}{place}: not valid {form.name}: {error.msg}; {hint}") from error
    except (ValueError, OSError) as error:
        raise UnreadableData(f"{url}: cannot be read as {form.name}: {error}") from error


def _read_leniently(body: bytes, form: RdfFormat, url: str, reading: Reading, first: UnreadableData) -> list[Quad]:
    """Read Turtle or a relative of it that a strict parser refuses.

    Raises:
        UnreadableData: the first error, if more is wrong than IRIs, language tags or named graphs.
    """
    mended = _UNDERSCORED_TAG.sub(rb"@\1-\2", body)
    attempts = [(text, f) for text in dict.fromkeys((body, mended)) for f in dict.fromkeys((form, RdfFormat.TRIG))]
    for text, other in attempts:
        try:
            quads = list(_parse(text, other, url, lenient=True))
        except UnreadableData:
            continue
        if text is not body and (found := _UNDERSCORED_TAG.search(body)):
            tag = found[0].decode()[1:]
            reading.tell("language-tag-mended", "Language tags are written with a hyphen; this one is read so.", tag)
        return quads
    raise first


def _check(quads: Iterable[Quad], reading: Reading) -> Reading:
    """Take the triples whose terms are what RDF allows, mended where that is possible."""
    checker = _Checker(reading)
    out: dict[Triple, None] = {}
    pending = iter(quads)
    while chunk := list(islice(pending, _CHUNK)):
        for triple in checker.read(chunk):
            out[triple] = None
    reading.triples = list(out)
    checker.tell()
    return reading


class _Checker:
    """Checks terms; each distinct IRI and language tag once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._nodes: dict[str, str | None] = {}  # IRIs and blank nodes that are right; None: not right
        self._predicates: dict[str, str | None] = {}
        self._iris: dict[str, NamedNode | None] = {}
        self._tags: dict[str, str | None] = {}
        self._told: list[tuple[str, str, str]] = []

    def tell(self) -> None:
        """Note what was wrong, once the file is read to its end."""
        for problem in self._told:
            self._reading.tell(*problem)

    def read(self, quads: list[Quad]) -> Iterator[Triple]:
        """Yield the triples of quads. The serializer writes most terms as they are wanted, the rest is looked at."""
        text = serialize((quad.triple for quad in quads), format=RdfFormat.N_TRIPLES)
        lines = text.decode().split("\n") if text else []
        if len(lines) != len(quads) + 1:  # an IRI with a line feed in it
            for quad in quads:
                yield from self._read_closely(quad)
            return
        nodes, predicates, tags = self._nodes, self._predicates, self._tags
        for quad, line in zip(quads, lines, strict=False):
            parts = line[:-2].split(" ", 2)
            if len(parts) == 3:
                subject, predicate, value = parts
                right = nodes[subject] if subject in nodes else self._add_node(subject)
                property_ = predicates[predicate] if predicate in predicates else self._add_predicate(predicate)
                if right is not None and property_ is not None:
                    target: str | None
                    if value[0] != '"':
                        target = nodes[value] if value in nodes else self._add_node(value)
                    elif value[-1] == '"' or value[-1] == ">":
                        target = value
                    else:
                        tag = value[value.rfind("@") + 1 :]
                        target = value if tag in tags and tags[tag] == tag else None
                    if target is not None:
                        yield right, property_, target
                        continue
            yield from self._read_closely(quad)

    def _add_node(self, term: str) -> str | None:
        is_right = term[0] == "_" or (term[0] == "<" and term[-1] == ">" and _is_iri(term[1:-1]))
        self._nodes[term] = term if is_right else None
        return self._nodes[term]

    def _add_predicate(self, term: str) -> str | None:
        is_right = term[0] == "<" and term[-1] == ">" and _is_iri(term[1:-1])
        self._predicates[term] = term[1:-1] if is_right else None
        return self._predicates[term]

    def _read_closely(self, quad: Quad) -> Iterator[Triple]:
        """Yield a triple whose terms may have to be mended, if they can be."""
        triple = quad.triple
        if isinstance(triple.subject, QuotedTriple) or isinstance(triple.object, QuotedTriple):
            self._reading.quoted.append(str(triple))
            return
        subject, value, predicate = self._node(triple.subject), self._value(triple.object), self._iri(triple.predicate)
        if subject is None or value is None or predicate is None:
            self._reading.lost.append((triple.predicate.value, str(triple.object)))
            return
        start, end = str(subject), str(value)
        yield self._nodes.get(start) or start, predicate.value, self._nodes.get(end) or end

    def _node(self, term: NamedNode | BlankNode) -> NamedNode | BlankNode | None:
        return term if isinstance(term, BlankNode) else self._iri(term)

    def _value(self, term: NamedNode | BlankNode | Literal) -> NamedNode | BlankNode | Literal | None:
        """Return the term, another one in its place, or None."""
        if not isinstance(term, Literal):
            return self._node(term)
        if term.language is None:
            return term
        if term.language not in self._tags:
            self._tags[term.language] = self._tag(term.language)
        tag = self._tags[term.language]
        return term if tag == term.language else Literal(term.value, language=tag)

    def _iri(self, node: NamedNode) -> NamedNode | None:
        if node.value not in self._iris:
            self._iris[node.value] = self._mend(node)
        return self._iris[node.value]

    def _tell(self, code: str, message: str, value: str) -> None:
        self._told.append((code, message, value))

    def _mend(self, node: NamedNode) -> NamedNode | None:
        if _is_iri(node.value):
            return node
        mended = _NOT_IN_IRIS.sub(lambda found: f"%{ord(found[0]):02X}", node.value.strip())
        if _is_iri(mended):
            self._tell(
                "iri-mended", "Blanks and other characters that no IRI may have are percent-encoded.", node.value
            )
            return NamedNode(mended)
        self._tell("iri-invalid", "This is no IRI; what is said with it is left out.", node.value)
        return None

    def _tag(self, tag: str) -> str | None:
        found = read_language(tag)
        if found is None and tag:
            self._tell(
                "language-tag-invalid",
                "This is no language tag (BCP 47); the text is kept without it. Ask the provider to correct it.",
                tag,
            )
        return found


def _is_iri(text: str) -> bool:
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True

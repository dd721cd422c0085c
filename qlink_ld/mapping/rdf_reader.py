"""Reads a body of RDF in any serialisation; what is wrong with single terms is mended or left out, and always told.

A parser that checks terms refuses a whole file for one IRI with a blank, or (JSON-LD) drops it without a word. So terms
are checked here: IRIs with blanks and the like are percent-encoded, and a statement with one that still is none is left
out; language tags get their canonical form (`EN`, `en_GB`, `eng` are `en`, `en-gb`, `en`), and a text with a tag that
is none is kept without it.

Source: RDF 1.1 Concepts §3.2, §3.3; BCP 47; DESIGN §2 (nothing is lost in silence).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.json_ld import JsonLdReader
from qlink_ld.mapping.rdf_format import read_text
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.mapping.values import read_language

_UNDERSCORED_TAG = re.compile(rb"(?<=[\"'])@([A-Za-z]{2,3})_([A-Za-z0-9]{2,8})\b")
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
    """

    triples: list[Triple] = field(default_factory=list)
    problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    lost: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

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
        quads: Iterable[Quad] = reader.read(text.body)
        reading.refused = reader.refused
        return _check(quads, reading)
    if text.form == RdfFormat.RDF_XML:
        return _check(_parse(text.body, text.form, url, lenient=True), reading)
    try:
        quads = _parse(text.body, text.form, url)
    except UnreadableData as error:
        quads = _read_leniently(text.body, text.form, url, reading, error)
    return _check(quads, reading)


def _parse(body: bytes, form: RdfFormat, url: str, *, lenient: bool = False) -> list[Quad]:
    try:
        return list(parse(body, format=form, base_iri=url, lenient=lenient))
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
            quads = _parse(text, other, url, lenient=True)
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
    for quad in quads:
        triple = quad.triple
        subject, value = checker.term(triple.subject), checker.term(triple.object)
        predicate = checker.term(triple.predicate)
        if subject is None or value is None or predicate is None:
            reading.lost.append((triple.predicate.value, str(triple.object)))
        elif subject is triple.subject and value is triple.object and predicate is triple.predicate:
            out[triple] = None
        else:
            out[Triple(subject, predicate, value)] = None
    reading.triples = list(out)
    return reading


class _Checker:
    """Checks terms; each distinct IRI and language tag once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._iris: dict[str, NamedNode | None] = {}
        self._tags: dict[str, str | None] = {}

    def term(self, term: Any) -> Any:  # noqa: ANN401 (any term of RDF)
        """Return the term, another one in its place, or None."""
        if isinstance(term, BlankNode):
            return term
        if isinstance(term, NamedNode):
            known = self._iris.get(term.value, self)
            if known is self:
                known = self._iris[term.value] = self._iri(term)
            return known
        if isinstance(term, Literal):
            if term.language is None:
                return term
            if term.language not in self._tags:
                self._tags[term.language] = self._tag(term.language)
            tag = self._tags[term.language]
            return term if tag == term.language else Literal(term.value, language=tag)
        return term  # a quoted triple; who takes the triples tells

    def _iri(self, node: NamedNode) -> NamedNode | None:
        if _is_iri(node.value):
            return node
        mended = _NOT_IN_IRIS.sub(lambda found: f"%{ord(found[0]):02X}", node.value.strip())
        if _is_iri(mended):
            self._reading.tell(
                "iri-mended", "Blanks and other characters that no IRI may have are percent-encoded.", node.value
            )
            return NamedNode(mended)
        self._reading.tell("iri-invalid", "This is no IRI; what is said with it is left out.", node.value)
        return None

    def _tag(self, tag: str) -> str | None:
        found = read_language(tag)
        if found is None and tag:
            self._reading.tell(
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

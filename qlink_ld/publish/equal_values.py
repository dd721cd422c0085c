"""Two spellings of one value are one triple to the store.

Oxigraph keeps numbers, booleans, dates and durations by value: `"01"^^xsd:integer`, `"1"^^xsd:integer` and
`"1"^^xsd:nonNegativeInteger` are the same object to it. The files keep what the source wrote; but where one subject
has two spellings of one value for one property, only the first is published. So files and store have equally many
triples, and a triple that is removed never takes another one along.
"""

import logging
import re

from pyoxigraph import Quad, RdfFormat, Store, Triple, parse

log = logging.getLogger(__name__)

_TYPED_END = re.compile(r'"\^\^<http://www\.w3\.org/2001/XMLSchema#[A-Za-z]+> \.\n')


class EqualValues:
    """Drops repeated values from sorted N-Triples, piece by piece. `dropped` counts them."""

    def __init__(self) -> None:
        self.dropped = 0
        self._group = ""  # subject and predicate of the typed literal seen last
        self._lines: list[str] = []  # of that group
        self._forms: set[Triple] = set()  # of `_lines`, as the store has them; empty while there is only one line

    def drop(self, chunk: str) -> str:
        """Return the lines without those that repeat a value of the lines before."""
        start = 0
        kept: list[str] = []
        for match in _TYPED_END.finditer(chunk):
            begin = chunk.rfind("\n", 0, match.start()) + 1
            line = chunk[begin : match.end()]
            if self._repeats(line):
                kept.append(chunk[start:begin])
                start = match.end()
        if not start:
            return chunk
        return "".join([*kept, chunk[start:]])

    def _repeats(self, line: str) -> bool:
        group = line[: line.find(" ", line.find(" ") + 1)]
        if group != self._group:
            self._group, self._lines, self._forms = group, [line], set()
            return False
        if not self._forms:
            self._forms.update(map(_stored_form, self._lines))
        form = _stored_form(line)
        if form not in self._forms:
            self._forms.add(form)
            return False
        self.dropped += 1
        log.debug("a second spelling of a value is not published: %s", line.rstrip())
        return True


def _stored_form(line: str) -> Triple:
    """Return the triple as the store gives it back.

    Raises:
        SyntaxError: the line is not N-Triples.
    """
    store = Store()
    for quad in parse(line, RdfFormat.N_TRIPLES):
        store.add(Quad(quad.subject, quad.predicate, quad.object))
    stored = next(iter(store))
    return Triple(stored.subject, stored.predicate, stored.object)

"""Records on their way through a batch: lifted already, waiting for what the rules make of them."""

from dataclasses import dataclass, field
from itertools import pairwise

from qlink_ld.mapping.writers import HELD
from qlink_ld.model import Record, Refusal

OWN = "urn:qlink-ld:"  # in every term that is never published
SIZE = 500  # records; a store per batch keeps memory flat

Mapped = Record | Refusal


@dataclass(slots=True)
class Draft:
    """A record on its way through a batch."""

    iri: str
    key: str
    position: str
    lines: list[str]  # N-Triples, in any order
    opportunities: int
    instances: int


@dataclass(slots=True)
class Batch:
    """Records that go through the rules together, and which of them each subject belongs to."""

    drafts: list[Draft] = field(default_factory=list)
    owners: dict[str, Draft] = field(default_factory=dict)  # subject without fragment, without its closing bracket
    shared: set[str] = field(default_factory=set)

    def find_owner(self, line: str) -> Draft | None:
        """Return the record that a line of N-Triples is about: its subject is the record, its child or a part of it."""
        end, fragment = line.find(">"), line.find("#")
        return self.owners.get(line[: fragment if 0 <= fragment < end else end])


def publishable(line: str) -> bool:
    """Whether a triple has no term of the holding or the issue namespace."""
    return not any(term.startswith(HELD) for term in line.split(" ", 2))


def finish_draft(draft: Draft) -> Record:
    """Return the record, its lines sorted and distinct."""
    return Record(
        iri=draft.iri,
        key=draft.key,
        ntriples=_join(draft.lines),
        position=draft.position,
        opportunities=draft.opportunities,
        instances=draft.instances,
    )


def _join(lines: list[str]) -> str:
    """Return sorted, distinct lines as one text; faster than a set, because neighbours are compared, not hashed."""
    lines.sort()
    distinct = [line for line, following in pairwise(lines) if line != following]
    return "".join(distinct + lines[-1:])

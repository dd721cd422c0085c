"""Records on their way through a batch: lifted already, waiting for what the rules make of them."""

from dataclasses import dataclass, field

from qlink_ld.mapping.writers import HELD
from qlink_ld.model import Record, Refusal

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


def publishable(line: str) -> bool:
    """Whether a triple has no term of the holding or the issue namespace."""
    return not any(term.startswith(HELD) for term in line.split(" ", 2))


def finish_draft(draft: Draft) -> Record:
    """Return the record, its lines sorted and distinct."""
    return Record(
        iri=draft.iri,
        key=draft.key,
        ntriples="".join(sorted(set(draft.lines))),
        position=draft.position,
        opportunities=draft.opportunities,
        instances=draft.instances,
    )

"""In which ELM namespace does a reader want the terms? Published is ELM 3.3; credential tooling still speaks 3.0–3.2.

Source: European Learning Model 3.3; the rule is the inverse of normalisation: every IRI in any position of a triple,
datatypes excepted, and text never.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pyoxigraph import NamedNode, Triple

from qlink_ld.namespaces import ELM, ELM_OLD

_PAIRS: Final = (
    (ELM, ELM_OLD),
    (
        "http://data.europa.eu/snb/model/application-profile/",
        "http://data.europa.eu/snb/model/ap/",
    ),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A namespace version that a reader can ask for: by name (`?_profile=`) or by IRI (`Accept-Profile`)."""

    name: str
    iri: str
    title: str
    elm: str  # namespace of ELM terms


CURRENT: Final = Profile("elm-3.3", ELM, "ELM 3.3", ELM)
OLD: Final = Profile("elm-3.2", ELM_OLD, "ELM 3.0 to 3.2", ELM_OLD)
PROFILES: Final = (CURRENT, OLD)
_NAMES: Final = {
    **{profile.name: profile for profile in PROFILES},
    **{profile.iri: profile for profile in PROFILES},
    **{profile.iri.rstrip("/"): profile for profile in PROFILES},
    "elm-3.0": OLD,
    "elm-3.1": OLD,
}


def find_profile(name: str) -> Profile | None:
    """Return the profile with this name or IRI, or None."""
    return _NAMES.get(name)


def to_old_iri(iri: str) -> str:
    """Return the IRI of an ELM 3.3 term in the namespace of ELM 3.0–3.2; any other IRI as it is."""
    for new, old in _PAIRS:
        if iri.startswith(new):
            return old + iri[len(new) :]
    return iri


def to_old_triples(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Put triples into the namespace of ELM 3.0–3.2."""
    known: dict[str, NamedNode] = {}

    def change(node: NamedNode) -> NamedNode:
        if not node.value.startswith("http://data.europa.eu/snb/model/"):
            return node
        if node.value not in known:
            known[node.value] = NamedNode(to_old_iri(node.value))
        return known[node.value]

    for triple in triples:
        subject, value = triple.subject, triple.object
        yield Triple(
            change(subject) if isinstance(subject, NamedNode) else subject,
            change(triple.predicate),
            change(value) if isinstance(value, NamedNode) else value,
        )

"""An institution as one register describes it, in the form in which imports are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

REGISTERS: Final = ("deqar", "ewp", "hei-api")  # what they say of names and places counts in this order
NameKind = Literal["legal", "preferred", "other"]
RelationKind = Literal["member", "faculty", "succeeded", "absorbed", "spun-off"]
UNDETERMINED: Final = "und"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A name with its BCP 47 tag in lower case, `und` where the register does not say."""

    text: str
    language: str = UNDETERMINED
    kind: NameKind = "legal"


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is. `country` is the code of the EU authority list; coordinates in degrees (WGS 84)."""

    country: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """The record has this relation to another record of the same register, named by its key.

    `member`: it belongs to that group; `faculty`: it is a part of that institution; `succeeded`, `absorbed`,
    `spun-off`: it succeeded, absorbed, or was spun off from that one. `inverse`: the same the other way round.
    """

    kind: RelationKind
    other: str
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """One institution or other organisation of one register. Dates are ISO 8601, as exact as the register has them."""

    register: str
    key: str  # DEQAR: the number; EWP, HEI API: the SCHAC code
    identifiers: tuple[tuple[str, str], ...]  # scheme, code; sorted
    names: tuple[Name, ...]  # in the register's order
    other_provider: bool = False
    type: str | None = None  # kind of organisation, in the register's words
    website: str | None = None
    places: tuple[Place, ...] = ()
    founded: str | None = None
    closed: str | None = None
    relations: tuple[Relation, ...] = ()

    def codes(self, scheme: str) -> list[str]:
        """Return its codes in one scheme."""
        return [code for name, code in self.identifiers if name == scheme]

    @property
    def label(self) -> str:
        """What to call it in messages."""
        name = next((name.text for kind in ("preferred", "legal") for name in self.names if name.kind == kind), "")
        return f"{self.register} {self.key}" + (f" ({name})" if name else "")


def load_record(table: Mapping[str, Any]) -> RegistryRecord:
    """Make a record of its JSON form.

    Raises:
        KeyError, TypeError: it is not the JSON of a record.
    """
    values = dict(table)
    values["identifiers"] = tuple((scheme, code) for scheme, code in table["identifiers"])
    values["names"] = _all(Name, table["names"])
    values["places"] = _all(Place, table["places"])
    values["relations"] = _all(Relation, table["relations"])
    return RegistryRecord(**values)


def _all(kind: type, tables: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(kind(**table) for table in tables)

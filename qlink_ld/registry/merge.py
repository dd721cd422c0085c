"""Which records of several registers are one institution? Those with a common identifier, if nothing speaks against.

An identifier that two institutions share is reported, never used to merge them: each register counts an institution
once, and two records that disagree on a stronger identifier are not one. Who keeps the shared code is decided by the
register that gives such codes out; the other one is known without it.

Source: QualityLink Data Source Discovery, requirement D-09; Course Identifier, requirements C-01 and C-12.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from qlink_ld.model import Issue
from qlink_ld.registry.identifiers import (
    CHARTER,
    DEQAR_IRI,
    DEQARINST,
    ERASMUS,
    FORMER_SCHAC,
    ORGREG,
    PIC,
    ROR,
    ROR_IRI,
    SCHAC,
    WIKIDATA,
    WIKIDATA_IRI,
)
from qlink_ld.registry.record import REGISTERS, Name, Place, RegistryRecord, Relation

MERGING: Final = (SCHAC, ORGREG, DEQARINST, ROR, PIC, ERASMUS)  # the strongest first
_DECISIVE: Final = (ORGREG, DEQARINST, ROR)  # one institution has one of each
_OWNERS: Final = {SCHAC: ("ewp", "hei-api", "deqar")}  # who knows best whose a code is; of others: REGISTERS


@dataclass(frozen=True, slots=True)
class Entry:
    """One institution or other organisation, as all registers together know it.

    `id` is its OrgReg id, else its SCHAC code, else its DEQARINST id; unique.
    """

    id: str
    records: tuple[RegistryRecord, ...]  # at most one of each register, in the order of REGISTERS
    codes: dict[str, tuple[str, ...]]  # by scheme; the current SCHAC code first, former ones under their own scheme

    def first(self, scheme: str) -> str | None:
        """Return its (first) code in a scheme."""
        return next(iter(self.codes.get(scheme, ())), None)

    @property
    def is_institution(self) -> bool:
        """True if it is a higher education institution that the profile can describe: it has an official code."""
        return not any(record.other_provider for record in self.records) and bool(
            self.first(ORGREG) or self.first(SCHAC)
        )

    @property
    def is_recognised(self) -> bool:
        """True if it is listed in DEQAR or OrgReg, or holds an ECHE. Source: requirements D-18, T-02."""
        listed = any(record.register == "deqar" for record in self.records)
        return self.is_institution and (listed or bool(self.first(ORGREG) or self.first(CHARTER)))

    @property
    def closed(self) -> str | None:
        """When it was closed; None if it was not."""
        return next((record.closed for record in self.records if record.closed), None)

    @property
    def website(self) -> str | None:
        """Its website."""
        return next((record.website for record in self.records if record.website), None)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it is, in the words of the first register that says it."""
        return next((record.places for record in self.records if record.places), ())

    @property
    def country(self) -> str | None:
        """Country of its first place that has one."""
        return next((place.country for record in self.records for place in record.places if place.country), None)

    @property
    def same_as(self) -> tuple[str, ...]:
        """Its IRIs elsewhere."""
        deqar = [DEQAR_IRI + record.key for record in self.records if record.register == "deqar"]
        ror = [ROR_IRI + code for code in self.codes.get(ROR, ())]
        return (*deqar, *ror, *(WIKIDATA_IRI + code for code in self.codes.get(WIKIDATA, ())))

    @property
    def relations(self) -> Iterator[tuple[str, Relation]]:
        """Its relations, with the register whose keys they use."""
        return ((record.register, relation) for record in self.records for relation in record.relations)

    @property
    def legal_names(self) -> dict[str, str]:
        """One name per language: the first, or what it is called by if there is no legal name.

        A name without a language is left out if another one is the same.
        """
        out: dict[str, str] = {}
        for name in self._names("legal"):
            out.setdefault(name.language, name.text)
        if not out and (preferred := next(self._names("preferred"), None)):
            out[preferred.language] = preferred.text
        known = {text.casefold() for language, text in out.items() if language != "und"}
        if out.get("und", "").casefold() in known:
            del out["und"]
        return out

    @property
    def name(self) -> Name:
        """What it is called: the preferred name, else the English one, else any."""
        legal = self.legal_names
        preferred = next(self._names("preferred"), None)
        if preferred is not None:
            language = next((tag for tag, text in legal.items() if text == preferred.text), preferred.language)
            return Name(preferred.text, language, "preferred")
        if legal:
            language = "en" if "en" in legal else next(iter(legal))
            return Name(legal[language], language, "preferred")
        return next((name for record in self.records for name in record.names), Name(self.id))

    @property
    def other_names(self) -> list[Name]:
        """Former and further names: those that are neither legal nor preferred names."""
        told = {text.casefold() for text in self.legal_names.values()} | {self.name.text.casefold()}
        names = {name.text.casefold(): name for record in self.records for name in reversed(record.names)}
        return [name for text, name in sorted(names.items()) if text not in told]

    def _names(self, kind: str) -> Iterator[Name]:
        return (name for record in self.records for name in record.names if name.kind == kind)


@dataclass(frozen=True, slots=True)
class Merged:
    """All entries, in the order of their ids, and the conflicts of their identifiers."""

    entries: tuple[Entry, ...]
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True, eq=False)
class _Group:
    """Records that are one institution so far."""

    order: int
    records: dict[str, RegistryRecord]
    codes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def label(self) -> str:
        return " = ".join(record.label for record in self.in_order())

    @property
    def closed(self) -> bool:
        return any(record.closed for record in self.records.values())

    def in_order(self) -> list[RegistryRecord]:
        return [self.records[register] for register in REGISTERS if register in self.records]


def merge_records(records: Iterable[RegistryRecord]) -> Merged:
    """Bring the records of all registers together.

    Args:
        records: of every register, each key once.

    Returns:
        The same for the same records, in whatever order they come.
    """
    merger = _Merger()
    ordered = sorted(records, key=lambda record: (REGISTERS.index(record.register), record.key))
    merger.groups = [_group(number, record) for number, record in enumerate(ordered)]
    for register in REGISTERS:
        merger.settle_within(register)
    for scheme in MERGING:
        merger.unite(scheme)
    merger.unite_former()
    merger.settle_rest()
    return merger.result()


def _group(order: int, record: RegistryRecord) -> _Group:
    group = _Group(order, {record.register: record})
    for scheme, code in record.identifiers:
        group.codes[scheme].add(code)
    group.codes[FORMER_SCHAC] -= group.codes[SCHAC]
    return group


class _Merger:
    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self.issues: list[Issue] = []

    def _holders(self, scheme: str, register: str | None = None) -> Iterator[tuple[str, list[_Group]]]:
        """Yield each code that several groups have, with these, in order."""
        found: dict[str, list[_Group]] = defaultdict(list)
        for group in self.groups:
            if register is None or register in group.records:
                for code in group.codes.get(scheme, ()):
                    found[code].append(group)
        return ((code, groups) for code, groups in sorted(found.items()) if len(groups) > 1)

    def _report(self, scheme: str, code: str, groups: Sequence[_Group], keeper: _Group | None, why: str) -> None:
        names = "; ".join(group.label for group in groups)
        outcome = f"it stays with {keeper.label}" if keeper else "none of them is known by it"
        message = f"the {scheme} code {code} belongs to several institutions: {names}. {why}, so {outcome}"
        self.issues.append(Issue("registry-identifier-shared", message, field=scheme, value=code))

    def settle_within(self, register: str) -> None:
        """A code that several records of one register have stays with the only one that is not closed, or with none."""
        for scheme in (*MERGING, WIKIDATA):
            for code, groups in self._holders(scheme, register):
                open_ones = [group for group in groups if not group.closed]
                keeper = open_ones[0] if len(open_ones) == 1 else None
                why = "The others are closed" if keeper else f"{register} has them as different ones"
                self._report(scheme, code, groups, keeper, why)
                for group in groups:
                    if group is not keeper:
                        group.codes[scheme].discard(code)

    def unite(self, scheme: str) -> None:
        """Make one of the groups that share a code, where nothing speaks against it."""
        gone: set[int] = set()
        current: dict[int, _Group] = {}

        def find(group: _Group) -> _Group:
            while group.order in current:
                group = current[group.order]
            return group

        for code, holders in self._holders(scheme):
            groups = list(dict.fromkeys(find(group) for group in holders))
            first, conflict = groups[0], False
            for other in groups[1:]:
                against = _speaks_against(first, other)
                if against is None:
                    self._join(first, other)
                    current[other.order] = first
                    gone.add(other.order)
                elif not conflict:
                    conflict = True
                    apart = [group for group in groups if group.order not in gone]
                    self._award(scheme, code, apart, against)
        self.groups = [group for group in self.groups if group.order not in gone]

    def unite_former(self) -> None:
        """A former SCHAC code that another record still has as its own tells that they are one, or is contested."""
        owners = {code: group for group in self.groups for code in group.codes[SCHAC]}
        claims: dict[str, list[_Group]] = defaultdict(list)
        for group in self.groups:
            for code in group.codes[FORMER_SCHAC]:
                claims[code].append(group)
        gone: set[int] = set()
        for code, claimants in sorted(claims.items()):
            groups = [group for group in claimants if group.order not in gone]
            owner = owners.get(code)
            owner = None if owner is not None and owner.order in gone else owner
            if len(groups) > 1:
                self._report(FORMER_SCHAC, code, groups, None, "Only one can have had it last")
                for group in groups:
                    group.codes[FORMER_SCHAC].discard(code)
            elif groups and owner is not None and owner is not groups[0]:
                claimant = groups[0]
                against = _speaks_against(claimant, owner, ignore_schac=True)
                if against is None:
                    self._join(claimant, owner)
                    claimant.codes[SCHAC].discard(code)
                    gone.add(owner.order)
                    owners.update(dict.fromkeys(claimant.codes[SCHAC], claimant))
                elif not owner.closed:  # of a closed one, the successor may well have the code as a former one
                    self._report(FORMER_SCHAC, code, [claimant, owner], owner, against)
                    claimant.codes[FORMER_SCHAC].discard(code)
        self.groups = [group for group in self.groups if group.order not in gone]

    def settle_rest(self) -> None:
        """See that after all no code is held twice, which unions may have brought about."""
        for scheme in (*MERGING, WIKIDATA):
            for code, groups in self._holders(scheme):
                self._award(scheme, code, groups, "They are different institutions")

    def _join(self, group: _Group, other: _Group) -> None:
        group.records.update(other.records)
        for scheme, codes in other.codes.items():
            group.codes[scheme] |= codes
        group.codes[SCHAC] -= group.codes[FORMER_SCHAC]  # a register that has not heard of the change yet

    def _award(self, scheme: str, code: str, groups: Sequence[_Group], why: str) -> None:
        """Leave a contested code with the one to whom the register that knows best gives it."""
        keeper = None
        for register in _OWNERS.get(scheme, REGISTERS):
            said = [
                group
                for group in groups
                if register in group.records and (scheme, code) in group.records[register].identifiers
            ]
            if said:
                keeper = said[0] if len(said) == 1 else None
                break
        self._report(scheme, code, groups, keeper, why)
        for group in groups:
            if group is not keeper:
                group.codes[scheme].discard(code)

    def result(self) -> Merged:
        """Return what is to be known; who has no official code is known by its DEQARINST id."""
        entries: dict[str, Entry] = {}
        for group in self.groups:
            records = tuple(group.in_order())
            codes = {
                scheme: _in_order(scheme, found, records) for scheme, found in sorted(group.codes.items()) if found
            }
            official = (next(iter(codes.get(scheme, ())), None) for scheme in (ORGREG, SCHAC, DEQARINST))
            name = next((code for code in official if code), None)
            if name is None or name in entries:
                message = f"{group.label} has no identifier of its own; it is left out"
                self.issues.append(Issue("registry-entry-left-out", message, record=group.label))
            else:
                entries[name] = Entry(name, records, codes)
        return Merged(tuple(entry for _, entry in sorted(entries.items())), tuple(self.issues))


def _in_order(scheme: str, codes: set[str], records: Sequence[RegistryRecord]) -> tuple[str, ...]:
    """Codes in order; the SCHAC code that EWP or the HEI API uses comes first."""
    keys = {record.key for record in records if scheme == SCHAC and record.register != "deqar"}
    return tuple(sorted(codes, key=lambda code: (code not in keys, code)))


def _speaks_against(one: _Group, other: _Group, *, ignore_schac: bool = False) -> str | None:
    """Say why two groups cannot be one institution; None if they can."""
    for register in REGISTERS:
        if register in one.records and register in other.records:
            return f"{register} has them as different ones"
    for scheme in _DECISIVE:
        mine, theirs = one.codes[scheme], other.codes[scheme]
        if mine and theirs and mine.isdisjoint(theirs):
            return f"They have different {scheme} codes, {min(mine)} and {min(theirs)}"
    mine, theirs = (group.codes[SCHAC] | group.codes[FORMER_SCHAC] for group in (one, other))
    if not ignore_schac and mine and theirs and mine.isdisjoint(theirs):
        return f"They have different {SCHAC} codes, {min(mine)} and {min(theirs)}"
    return None

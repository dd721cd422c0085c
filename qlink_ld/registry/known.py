"""What do the registers know of the institutions of the configuration? What the operator wrote always counts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from qlink_ld.model import Institution, Issue
from qlink_ld.registry.identifiers import (
    DEQAR_IRI,
    DEQARINST,
    ERASMUS,
    FORMER_SCHAC,
    ORGREG,
    PIC,
    ROR,
    ROR_IRI,
    SCHAC,
    read_code,
)
from qlink_ld.registry.merge import Entry, Merged, merge_records
from qlink_ld.registry.record import REGISTERS, UNDETERMINED
from qlink_ld.registry.shelf import load_records

_CODES: Final = (ORGREG, SCHAC, FORMER_SCHAC, DEQARINST, ROR, PIC, ERASMUS)  # by which entries are found, in this order


@dataclass(frozen=True, slots=True)
class Registry:
    """All imported entries, findable by their codes."""

    entries: tuple[Entry, ...]
    issues: tuple[Issue, ...]
    _by_code: dict[tuple[str, str], Entry] = field(repr=False)
    _by_key: dict[tuple[str, str], Entry] = field(repr=False)

    def find(self, scheme: str, code: str) -> Entry | None:
        """Return the entry that has this code."""
        return self._by_code.get((scheme, code))

    def find_key(self, register: str, key: str) -> Entry | None:
        """Return the entry with the record of that key."""
        return self._by_key.get((register, key))

    def find_name(self, name: str) -> Entry | None:
        """Return the entry that somebody means by an id or a code of any kind, in any case."""
        found = (self.find(scheme, code) for scheme in _CODES if (code := read_code(scheme, name)))
        return next((entry for entry in found if entry), None)

    def match(self, institution: Institution) -> tuple[Entry | None, tuple[Issue, ...]]:
        """Return the entry of a configured institution, and a conflict if its codes belong to several.

        Its id counts most, then its SCHAC code, then its former ones, then what it is the same as.
        """
        found = [(code, entry) for code, entry in self._said(institution) if entry is not None]
        if not found:
            return None, ()
        entry = found[0][1]
        issues = [
            Issue(
                "registry-identifier-shared",
                f"{institution.id}: the configuration gives it {code}, which in the registers belongs to {other.id} "
                f"({other.name.text}), while {found[0][0]} belongs to {entry.id} ({entry.name.text}). It is taken for "
                f"{entry.id}; correct the configuration, or ask the registers",
                value=code,
            )
            for code, other in found
            if other is not entry
        ]
        if entry.closed:
            message = f"{institution.id}: the registers have it as closed since {entry.closed}"
            issues.append(Issue("registry-institution-closed", message, value=entry.closed))
        return entry, tuple(issues)

    def _said(self, institution: Institution) -> Iterator[tuple[str, Entry | None]]:
        for code in (institution.id, institution.schac, *institution.previous_schac):
            if code:
                orgreg = self.find(ORGREG, code.upper())
                domain = read_code(SCHAC, code) or ""
                yield code, orgreg or self.find(SCHAC, domain) or self.find(FORMER_SCHAC, domain)
        for iri in institution.same_as:
            if iri.startswith(DEQAR_IRI):
                yield iri, self.find_key("deqar", iri.removeprefix(DEQAR_IRI).rstrip("/"))
            elif iri.startswith(ROR_IRI):
                yield iri, self.find(ROR, read_code(ROR, iri) or "")


def build_registry(merged: Merged) -> Registry:
    """Make entries findable."""
    by_code: dict[tuple[str, str], Entry] = {}
    for entry in merged.entries:
        for scheme, codes in entry.codes.items():
            by_code.update(dict.fromkeys(((scheme, code) for code in codes), entry))
    by_key = {(record.register, record.key): entry for entry in merged.entries for record in entry.records}
    return Registry(merged.entries, merged.issues, by_code, by_key)


def load_registry(data_dir: Path) -> Registry:
    """Read the last imports of all registers and bring them together; empty if there are none.

    Raises:
        RegistryError: an import is damaged.
    """
    return build_registry(merge_records(r for register in REGISTERS for r in load_records(data_dir, register)))


def enrich_institution(institution: Institution, entry: Entry) -> Institution:
    """Return an institution with what the registers know and the operator did not write."""
    current = entry.first(SCHAC)
    schac = institution.schac or current
    former = [*institution.previous_schac, *entry.codes.get(FORMER_SCHAC, ())]
    if schac != current and current:
        former.append(current)  # the operator knows better which is the current one
    own = institution.schac or institution.id
    names = {tag: text for tag, text in entry.legal_names.items() if tag != UNDETERMINED}
    return replace(
        institution,
        schac=schac,
        website=institution.website or entry.website,
        country=institution.country or entry.country,
        names={**names, **institution.names},
        same_as=tuple(dict.fromkeys((*institution.same_as, *entry.same_as))),
        previous_schac=tuple(code for code in dict.fromkeys(former) if code.lower() not in (schac, own.lower())),
    )


def make_institution(entry: Entry) -> Institution:
    """Return an entry as an institution that can be harvested: by the manifest on its domains."""
    return enrich_institution(Institution(id=entry.id, name=entry.name.text), entry)


def find_harvestable(registry: Registry, taken: Iterable[Entry], countries: Sequence[str]) -> list[Entry]:
    """Return the recognised institutions that are open, have a domain, and are none of those taken.

    Args:
        registry: all entries.
        taken: entries of institutions that the configuration has.
        countries: codes of the EU authority list; none for all.

    Source: requirements D-18, T-02: automatic discovery is for institutions in DEQAR, OrgReg, or with an ECHE.
    """
    known = {entry.id for entry in taken}
    return [
        entry
        for entry in registry.entries
        if entry.id not in known
        and entry.is_recognised
        and not entry.closed
        and (entry.first(SCHAC) or entry.website)
        and (not countries or entry.country in countries)
    ]

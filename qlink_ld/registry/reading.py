"""What readers of registers share: records found, and what could not be read."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from qlink_ld.model import Issue
from qlink_ld.registry.identifiers import name_scheme, read_code
from qlink_ld.registry.record import RegistryRecord
from qlink_ld.registry.values import read_code_text


@dataclass(slots=True)
class Reading:
    """Takes the records of one register; the first of several with one key counts."""

    register: str
    records: dict[str, RegistryRecord] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    left_out: int = 0

    def add(self, record: RegistryRecord, position: str) -> None:
        """Keep a record, unless its key is taken."""
        if record.key in self.records:
            self.leave_out(record.key, position, "is there twice; the first one counts")
        else:
            self.records[record.key] = record

    def leave_out(self, key: object, position: str, why: str) -> None:
        """Report an entry that cannot be used."""
        self.left_out += 1
        shown = read_code_text(key)
        message = f"{self.register}: the entry {shown or position} {why}"
        self.issues.append(Issue("registry-entry-left-out", message, record=shown, position=position))

    def note(self, key: str, position: str, message: str, value: object = None) -> None:
        """Report something of an entry that is used without it."""
        text = None if value is None else str(value)[:200]
        message = f"{self.register}: {key}: {message}"
        self.issues.append(
            Issue("registry-value-left-out", message, severity="info", record=key, position=position, value=text)
        )

    def read_identifiers(
        self, key: str, position: str, stated: Iterable[tuple[object, object]]
    ) -> tuple[tuple[str, str], ...]:
        """Bring identifiers, given as scheme and code, to one form; codes that cannot be of their scheme are noted."""
        found = set()
        for scheme, code in stated:
            name, text = read_code_text(scheme), read_code_text(code)
            if text is None:
                continue
            if name is None:
                self.note(key, position, "an identifier without its kind is left out", text)
                continue
            kind = name_scheme(name)
            plain = read_code(kind, text)
            if plain is None:
                self.note(key, position, f"'{text}' cannot be an identifier of the kind {name}; it is left out", text)
            else:
                found.add((kind, plain))
        return tuple(sorted(found))

"""What became of the statements of a file of RDF, counted by property: see `account.py`."""

from qlink_ld.mapping.account import Account, Counter, Outcome
from qlink_ld.mapping.rdf_forms import compact
from qlink_ld.mapping.rdf_terms import is_blank, read_value

PERSONAL = "personal data, which is never read"


class Uses:
    """Counts statements in an account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._counters: dict[tuple[str, Outcome, str], Counter] = {}

    def count(self, predicate: str, value: str, outcome: Outcome, reason: str = "") -> None:
        """Count a statement. The first value of a property is its example, unless it is of a person."""
        counter = self._counters.get((predicate, outcome, reason))
        if counter is None:
            counter = self._account.open("data", compact(predicate), outcome, reason)
            self._counters[predicate, outcome, reason] = counter
        if counter.count:
            counter.count += 1
        elif reason == PERSONAL:
            counter.add("(not shown)")
        else:
            counter.add("(a node without IRI)" if is_blank(value) else read_value(value))

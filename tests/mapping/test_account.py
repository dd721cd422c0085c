"""The books of a source."""

from qlink_ld.mapping.account import Account, count_leaves, shorten
from qlink_ld.model import FieldUse


def test_leaves_are_what_says_something() -> None:
    assert count_leaves({"a": [1, {"b": None, "c": "x"}, [], "", False]}) == (3, 1)
    assert count_leaves(None) == (0, None)
    assert count_leaves("x") == (1, "x")


def test_fields_are_merged_and_sorted_and_unused_ones_left_out() -> None:
    account = Account("s")
    account.open("courses", "b", "mapped").add("first")
    account.open("courses", "b", "mapped").add("second", 2)
    account.open("courses", "never", "mapped")
    account.drop("courses", "a", ["x", "y", None], "why")
    account.drop("courses", "a", [None, ""], "nothing in it")
    account.count("courses", "a", "ignored", {"k": 1}, "because")
    assert account.fields == (
        FieldUse("courses", "a", "dropped", 2, "why", "x", "s"),
        FieldUse("courses", "a", "ignored", 1, "because", "", "s"),
        FieldUse("courses", "b", "mapped", 3, "", "first", "s"),
    )


def test_the_same_issue_is_counted_and_the_first_is_the_example() -> None:
    account = Account("s")
    for value in ("one", "two"):
        account.report("code-b", "message", field="f", value=value, record=value)
    account.report("code-a", "message", severity="violation")
    first, second = account.issues
    assert (first.code, first.severity, first.count, first.value) == ("code-a", "violation", 1, None)
    assert (second.count, second.value, second.record, second.source) == (2, "one", "one", "s")


def test_what_was_counted_since_a_mark_is_forgotten() -> None:
    account = Account("s")
    counter = account.open("courses", "a", "mapped")
    counter.add("x")
    account.drop("courses", "b", "y", "why")
    mark = account.mark()
    counter.add("x")
    account.drop("courses", "b", "y", "why")
    account.drop("courses", "c", "z", "why")
    account.open("courses", "d", "mapped").add("w", 4)
    account.go_back(mark)
    assert [(use.path, use.count) for use in account.fields] == [("b", 1), ("a", 1)][::-1]


def test_messages_of_endless_variety_are_counted_together() -> None:
    account = Account("s")
    for number in range(1000):
        account.report("code", f"message {number}", field="f")
    assert len(account.issues) == 100
    assert sum(issue.count for issue in account.issues) == 1000


def test_long_and_deep_values_are_shortened() -> None:
    assert len(shorten("x" * 1000)) == 120
    assert shorten("short") == "short"
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shorten(deep) == "(nested very deeply)"

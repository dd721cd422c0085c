"""What was dropped and unmapped, as people read it."""

from qlink_ld.commands.account import SHOWN, render_account
from qlink_ld.model import FieldUse


def use(path: str, outcome: str, count: int, reason: str = "", example: str = "x") -> tuple[str, FieldUse]:
    return "XA0001", FieldUse("courses", path, outcome, count, reason, example)  # type: ignore[arg-type]


USES = [
    use("name", "mapped", 90),
    use("coordinators", "ignored", 5, "personal data", ""),
    use("remark", "unmapped", 2, example="one\n\x1b[31mtwo"),
    use("offerings.link", "dropped", 3, "not an IRI", "no link"),
]


def test_what_is_lost_comes_commonest_first_and_the_rest_is_counted() -> None:
    assert render_account(USES, width=None).splitlines() == [
        "100 values in the sources: 90 mapped, 5 ignored, 2 unmapped, 3 dropped",
        "      3  dropped   XA0001 courses.offerings.link: not an IRI (for example no link)",
        "      2  unmapped  XA0001 courses.remark (for example one\\n\\x1b[31mtwo)",
    ]


def test_all_of_it_is_shown_on_demand_with_what_is_ignored() -> None:
    many = [use(f"field{number:02}", "unmapped", 1) for number in range(SHOWN + 5)]
    short = render_account(many, width=None).splitlines()
    assert len(short) == SHOWN + 2
    assert short[-1].startswith("and 5 more; -v shows all")
    assert len(render_account([*many, *USES], width=None, everything=True).splitlines()) == 1 + SHOWN + 5 + 3


def test_a_narrow_terminal_gets_a_table_that_fits_without_examples() -> None:
    for width in (40, 60, 89, 120):
        lines = render_account(USES, width=width).splitlines()[1:]
        assert max(map(len, lines)) <= width
        assert ("no link" in "".join(lines)) == (width >= 90)
        assert "\x1b" not in "".join(lines)


def test_where_nothing_was_read_nothing_is_said() -> None:
    assert render_account([], width=80) == ""
    assert render_account([use("name", "mapped", 1)], width=80).count("\n") == 1

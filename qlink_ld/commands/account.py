"""What became of the sources' values, as a table for people.

Source: DESIGN §2 (nothing is lost in silence). On a terminal the table fits its width; elsewhere it is plain text.
"""

import io
import shutil
import sys
from collections import Counter
from collections.abc import Iterable

import click
from rich import box
from rich.console import Console
from rich.table import Table

from qlink_ld.model import FieldUse

SHOWN = 10  # rows, unless all are wanted
_PLAIN_WIDTH = 160  # characters, where there is no terminal
_NARROW = 90  # a terminal with fewer has no room for examples


def print_account(fields: Iterable[tuple[str, FieldUse]]) -> None:
    """Write the table on stderr, if anything was lost; all of it if the command was called with -v."""
    fields = list(fields)
    everything = bool(click.get_current_context().find_root().params.get("verbose"))
    if not everything and all(use.outcome in ("mapped", "ignored") for _, use in fields):
        return
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    click.echo(render_account(fields, width=width, everything=everything), err=True, nl=False)


def render_account(fields: Iterable[tuple[str, FieldUse]], *, width: int | None, everything: bool = False) -> str:
    """Return a table of what was dropped or unmapped, commonest first, and a line that says how much that is.

    Args:
        fields: what became of each field, each with whose it is (empty: there is but one).
        width: of the terminal in characters; None where there is none.
        everything: all rows, and what was ignored as well; else the commonest ten.
    """
    uses = list(fields)
    totals: Counter[str] = Counter()
    for _, use in uses:
        totals[use.outcome] += use.count
    leaves = totals.total()
    if not leaves:
        return ""
    outcomes = ("dropped", "unmapped", "ignored") if everything else ("dropped", "unmapped")
    lost = sorted((pair for pair in uses if pair[1].outcome in outcomes), key=_order)
    shares = ", ".join(f"{totals[name]} {name}" for name in ("mapped", "ignored", "unmapped", "dropped"))
    text = f"{leaves} values in the sources: {shares}\n"
    if not lost:
        return text
    rows = lost if everything else lost[:SHOWN]
    text += _write_lines(rows) if width is None else _write_table(rows, width)
    if len(rows) < len(lost):
        text += f"and {len(lost) - len(rows)} more; -v shows all, and what is ignored\n"
    return text


def _write_lines(rows: Iterable[tuple[str, FieldUse]]) -> str:
    """One line for each, for files and for `grep`."""
    return "".join(
        f"{use.count:>7}  {use.outcome:<8}  {_name(owner, use)}{f': {use.reason}' if use.reason else ''}"
        f"{f' (for example {_one_line(use.example)})' if use.example else ''}\n"
        for owner, use in rows
    )


def _write_table(rows: Iterable[tuple[str, FieldUse]], width: int) -> str:
    table = make_table(width)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("field", overflow="fold")
    table.add_column("why", overflow="fold")
    if width >= _NARROW:
        table.add_column("example", no_wrap=True, overflow="ellipsis", max_width=width // 4)
    for owner, use in rows:
        example = [_one_line(use.example)] if width >= _NARROW else []
        table.add_row(str(use.count), use.outcome, _name(owner, use), use.reason, *example)
    return write_table(table, width)


def _name(owner: str, use: FieldUse) -> str:
    return _one_line(f"{owner} {use.resource}.{use.path}".strip())


def _order(pair: tuple[str, FieldUse]) -> tuple[bool, int, str, str]:
    owner, use = pair
    return use.outcome == "ignored", -use.count, owner, f"{use.resource}.{use.path}"


def make_table(width: int | None) -> Table:
    """Return a table for a terminal of that width, or for a file."""
    return Table(box=None if width is None else box.SIMPLE_HEAD, pad_edge=False, expand=False)


def write_table(table: Table, width: int | None) -> str:
    """Return a table as text, without colours; no line ends with blanks."""
    file = io.StringIO()
    console = Console(file=file, width=width or _PLAIN_WIDTH, color_system=None, highlight=False, markup=False)
    console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines() if line.strip())


def _one_line(text: str) -> str:
    """Show control characters as what they are: a source must not write on the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

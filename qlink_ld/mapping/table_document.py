"""What does a table say, as JSON? Each row below the header becomes an object: CSV, TSV, spreadsheets.

The first row that is not blank has the names; blank rows are passed over; what does not fit is kept and noted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.csv_rows import read_csv_rows
from qlink_ld.mapping.reading import Located, Notes, ReadDocument
from qlink_ld.mapping.spreadsheet_rows import is_spreadsheet, read_spreadsheet_rows

MAX_BYTES = 512 * 1024 * 1024
MAX_COLUMNS = 16_384  # what a sheet of Excel has

Row = tuple[int, list[Any]]  # its line, counted from 1, and its cells


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a table becomes JSON. The members of the same names in `[document]`.

    Attributes:
        encoding: of a text; without it, a byte order mark, UTF-8, and then the letters decide.
        delimiter: between cells of a text; without it, what makes the rows even decides.
        sheet: the name of the sheet, or its number from 1; without it, the first one that is not hidden.
        header: the number of the row with the names, from 1; 0 if there is none; without it, the first one not blank.
        columns: names in place of those in the table; needed where it has none.
        nested: what separates names in names: with `.`, `name.en` and `name.it` become the members `en` and `it` of
            `name`, and `outcome.1` and `outcome.2` a list.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | int | None = None
    header: int | None = None
    columns: tuple[str, ...] = ()
    nested: str | None = None

    def __post_init__(self) -> None:
        """Take what TOML has: lists.

        Raises:
            ValueError: options that make no sense.
        """
        object.__setattr__(self, "columns", tuple(self.columns))
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError(f"'delimiter' is {self.delimiter!r}; it must be one character, such as ';' or a tab")
        if self.header == 0 and not self.columns:
            raise ValueError("'header = 0' says that the table names no columns: name them in 'columns'")


def read_table(body: bytes, options: TableOptions | None = None, *, url: str = "the document") -> ReadDocument:
    """Read a table as a list of objects.

    Args:
        body: as received: text with cells, or a spreadsheet (.xlsx, .xls, .ods), which its first bytes tell.
        options: see `TableOptions`.
        url: where it came from, for messages.

    Returns:
        `Located` objects, which know their line. Cells of texts are text, of sheets also numbers and booleans, with
        dates and times in their ISO 8601 form. A blank cell is no member. Columns of one name make a list. A cell in a
        column without a name is `column_3`, as the third.

    Raises:
        UnreadableData: no table, none with this sheet, encoding or header, or larger than any real one.
    """
    options = options or TableOptions()
    if len(body) > MAX_BYTES:
        raise UnreadableData(f"{url}: larger than {MAX_BYTES // 1024**2} MB; send it in several documents")
    notes = Notes()
    try:
        if is_spreadsheet(body):
            rows = read_spreadsheet_rows(body, options.sheet, notes)
        else:
            rows = read_csv_rows(body, options.encoding, options.delimiter, options.header, notes)
        table = _Table(options, notes)
        value = list(table.read(iter(rows)))
    except ValueError as error:
        raise UnreadableData(f"{url}: not a table that can be read: {error}") from error
    return ReadDocument(value, notes.all())


class _Table:
    """Gives cells their names."""

    def __init__(self, options: TableOptions, notes: Notes) -> None:
        self.options = options
        self.notes = notes

    def read(self, rows: Iterator[Row]) -> Iterator[Located]:
        names = [_clean(name) for name in self.header(rows)]
        if len(names) > MAX_COLUMNS:
            raise ValueError(f"it has more than {MAX_COLUMNS} columns")
        for name in sorted({name for name in names if name and names.count(name) > 1}):
            self.notes.add("column-repeated", f"Several columns are called '{name}'; they are read as one list.")
        paths = [self.path(name, index, set(names)) for index, name in enumerate(names)]
        for line, cells in rows:
            if any(cell != "" for cell in cells):
                yield self.row(line, cells, names, paths)

    def header(self, rows: Iterator[Row]) -> list[Any]:
        """Return the names of the columns; the rows go on below."""
        wanted = self.options.header
        if wanted == 0:
            return list(self.options.columns)
        for line, cells in rows:
            if line == wanted or (wanted is None and any(cell != "" for cell in cells)):
                return list(self.options.columns) or cells
            if wanted is not None and line > wanted:
                break
        raise ValueError("it is empty" if wanted is None else f"there is no row {wanted} with the names of the columns")

    def path(self, name: str, index: int, names: set[str]) -> tuple[str, ...]:
        """Return the way to a column's member."""
        if not name:
            return (f"column_{index + 1}",)
        separator = self.options.nested
        parts = tuple(part.strip() for part in name.split(separator)) if separator else (name,)
        above = {(separator or "").join(parts[:end]) for end in range(1, len(parts))}
        if not all(parts) or above & names:  # `name` is a column as well as `name.en`: that one keeps its whole name
            return (name,)
        return parts

    def row(self, line: int, cells: list[Any], names: list[str], paths: list[tuple[str, ...]]) -> Located:
        """Return a row as an object."""
        out = Located(None, line)
        for index, cell in enumerate(cells):
            if cell == "":
                continue
            if index < len(paths):
                if not names[index]:
                    self.notes.add("column-without-name", _UNNAMED, line, str(cell))
                _put(out, paths[index], cell)
            else:
                self.notes.add("row-too-long", _TOO_LONG, line, str(cell))
                _put(out, (f"column_{index + 1}",), cell)
        if len(cells) < len(names):
            self.notes.add("row-too-short", _TOO_SHORT, line, f"{len(cells)} of {len(names)}")
        if self.options.nested:
            for name, value in out.items():
                out[name] = _make_lists(value)
        return out


_UNNAMED = "A column has values and no name; they are kept as 'column_' and its number. Name it in the table."
_TOO_LONG = (
    "A row has more cells than there are columns; they are kept as 'column_' and their number. Are texts quoted?"
)
_TOO_SHORT = "A row has fewer cells than there are columns; the last ones are taken as blank."


def _clean(name: Any) -> str:  # noqa: ANN401 (a cell)
    """Return the name of a column on one line."""
    return " ".join(str(name).replace("\ufeff", "").split())


def _put(out: dict[str, Any], path: Iterable[str], cell: Any) -> None:  # noqa: ANN401 (a cell)
    """Set a member; a second value makes it a list."""
    *above, last = path
    for name in above:
        out = out.setdefault(name, {})
    if last not in out:
        out[last] = cell
    elif isinstance(out[last], list):
        out[last].append(cell)
    else:
        out[last] = [out[last], cell]


def _make_lists(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Make a list of an object whose members are all numbered."""
    if not isinstance(value, dict):
        return value
    inner = {name: _make_lists(member) for name, member in value.items()}
    if all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner

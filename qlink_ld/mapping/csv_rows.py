"""The rows of a text with cells (CSV, TSV): finds the delimiter, and loses no more than a line to a stray quote.

Sources: RFC 4180; W3C Tabular Data on the Web, §8; the first line `sep=;`, which Excel writes and reads.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from qlink_ld.mapping.reading import Notes, decode_text

_DELIMITERS = (",", ";", "\t", "|")
_NONE = "\x1f"  # for tables of one column: the unit separator, which is in no text
_SAMPLE_ROWS = 200
_SAMPLE_CHARACTERS = 400_000
_MAX_CELL = 10_000_000  # characters
_MAX_BROKEN_LINES = 200
_SEP = re.compile(r'\s*"?sep=(.)"?\s*(?:\r\n|\r|\n|$)')


def read_csv_rows(
    body: bytes, encoding: str | None, delimiter: str | None, header: int | None, notes: Notes
) -> Iterator[tuple[int, list[str]]]:
    """Read the rows, each with the line where it starts; cells are trimmed.

    Args:
        body: as received.
        encoding: declared; else found out.
        delimiter: declared; else found out.
        header: the line that names the columns, from 1; None: the first one that is not blank.
        notes: takes what was guessed or is broken.

    Raises:
        ValueError: an encoding that it is not in, or quotes that are broken all over.
    """
    text = decode_text(body, encoding, notes)
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        raise ValueError("this is a web page; check the address")
    if "\x00" in text:
        raise ValueError("it is binary data, or in another encoding; declare its 'encoding' in the mapping")
    first = 1
    if sep := _SEP.match(text):
        text, first, delimiter = text[sep.end() :], 2, delimiter or sep[1]
    csv.field_size_limit(_MAX_CELL)
    return _read(text, delimiter or find_delimiter(text, (header or first) - first), first, notes)


def find_delimiter(text: str, skip: int = 0) -> str:
    """Return the delimiter that makes the most even table; one that is in no text if there is only one column.

    A delimiter is in the row of names, outside of quotes. Texts and decimal commas hold other candidates by chance, and
    so differently from row to row.

    Args:
        text: the table.
        skip: lines before the row of names.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    best, best_score = _NONE, (0.0, 0)
    for candidate in _DELIMITERS:
        widths: list[int] = []
        lines = io.StringIO(sample, newline="").readlines()[skip:]
        reader = csv.reader(lines, delimiter=candidate, skipinitialspace=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    widths.append(len(cells))
                if len(widths) == _SAMPLE_ROWS:
                    break
        except csv.Error:  # a cell of many megabytes: not this delimiter
            continue
        if len(text) > len(sample) and len(widths) > 1:
            widths.pop()  # it may be cut
        if not widths or widths[0] < 2:
            continue
        common, count = Counter(widths).most_common(1)[0]
        score = (count / len(widths), common)
        if score > best_score:
            best, best_score = candidate, score
    return best


def _read(text: str, delimiter: str, first: int, notes: Notes) -> Iterator[tuple[int, list[str]]]:
    """Read row by row; a line with broken quotes is read as it stands, and the next one begins anew."""
    lines = io.StringIO(text, newline="").readlines()
    done = 0
    broken = 0
    while done < len(lines):
        reader = csv.reader(lines[done:], delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t")
        start = 0
        try:
            for cells in reader:
                yield first + done + start, [cell.strip() for cell in cells]
                start = reader.line_num
        except csv.Error:
            pass
        else:
            return
        line = lines[done + start]
        broken += 1
        if broken > _MAX_BROKEN_LINES:
            raise ValueError(
                f"more than {_MAX_BROKEN_LINES} lines have broken quotes, the last one {first + done + start}"
            )
        notes.add(
            "quotes-broken",
            "A line has a quotation mark that is not closed or not doubled; it is read as it stands. Quote texts with "
            "quotation marks in them, and double these.",
            first + done + start,
            line.strip()[:80],
        )
        closed = line.count('"') % 2 == 0
        cells = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if closed else csv.QUOTE_NONE))
        yield first + done + start, [_unquote(cell) for cell in cells]
        done += start + 1


def _unquote(cell: str) -> str:
    """Take the quotation marks off that stand around a whole cell."""
    cell = cell.strip()
    inner = cell[1:-1]
    return inner.replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell

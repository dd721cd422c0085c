"""What changed between two versions of a graph: a merge of their sorted dumps, in flat memory."""

from collections.abc import Iterable, Iterator

from qlink_ld.errors import PublishError


def compare_lines(old: Iterable[bytes], new: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Compare two sorted texts of distinct lines.

    Args:
        old: pieces of whole lines.
        new: the same of the new version.

    Yields:
        Pairs (removed, added) of whole lines; all first parts together are sorted, and so are all second parts.

    Raises:
        PublishError: one of them is not sorted.
    """
    before, after = _Side(old), _Side(new)
    while before.text or after.text:
        if before.text == after.text:
            before.advance()
            after.advance()
            continue
        bounds = [side.last for side in (before, after) if side.text]
        bound = min(bounds)
        removed, added = before.take(bound), after.take(bound)
        if removed != added:
            gone, come = set(removed), set(added)
            yield _join(line for line in removed if line not in come), _join(line for line in added if line not in gone)


class _Side:
    """One of the two texts, of which a piece is in memory."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.last = b""
        self.advance()

    def advance(self) -> None:
        """Pass by the piece in memory; `text` is empty at the end."""
        self.text = next((piece for piece in self._pieces if piece), b"")
        if self.text:
            before, self.last = self.last, self.text[self.text.rfind(b"\n", 0, -1) + 1 : -1]
            if self.last <= before:
                raise PublishError("a published graph is not sorted: " + self.last[:200].decode(errors="replace"))

    def take(self, bound: bytes) -> list[bytes]:
        """Take the lines up to and including `bound` of the piece in memory, without their line feeds."""
        text = self.text
        if not text:
            return []
        if self.last <= bound:
            self.advance()
            return text[:-1].split(b"\n")
        low, high = 0, len(text)  # both at the start of a line; the line at `high` is above the bound
        while low < high:
            line = text.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = text.find(b"\n", line)
            if text[line:end] <= bound:
                low = end + 1
            else:
                high = line
        self.text = text[low:]
        return text[: low - 1].split(b"\n") if low else []


def _join(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)

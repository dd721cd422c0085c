"""The downloads of a release: every graph as N-Quads and as JSON-LD, the whole dataset as their concatenation.

A gzip file may be several members one after the other, so `all.nq.gz` is the graphs' files in the order of their IRIs,
copied. A graph's JSON-LD is three members, `[`, the graph, `]`, of which the first and last are constant:
`all.jsonld.gz` takes the middle ones. It is expanded JSON-LD, as pyoxigraph writes it: with a context, an IRI that by
mistake looks like a prefixed name (`<skos:Concept>`) would come back as another one.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, cast

from pyoxigraph import RdfFormat, parse, serialize

from qlink_ld.errors import PublishError
from qlink_ld.publish.gzip_text import GzipWriter, read_verified_lines, stored_member

ALL: Final = "all"
NQUADS_SUFFIX: Final = ".nq.gz"
JSONLD_SUFFIX: Final = ".jsonld.gz"
CHECKSUMS: Final = "SHA256SUMS"
_OPEN = stored_member(b"[\n")
_BETWEEN = stored_member(b",\n")
_CLOSE = stored_member(b"\n]\n")
_COPY_BYTES = 1024 * 1024


def dump_name(graph: str, base_iri: str) -> str:
    """Return the name of a graph's dumps without suffix: its IRI after `{base}graphs/`, as `institutions/NL0028`.

    Raises:
        PublishError: the graph is not one of this deployment.
    """
    name = graph.removeprefix(f"{base_iri}graphs/")
    if name in (graph, ALL) or not all(part.strip(".") for part in name.split("/")):
        raise PublishError(f"the graph <{graph}> cannot be published: its IRI must begin with {base_iri}graphs/")
    return name


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; where the file system cannot (or the disk is another one), copy it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError as exc:
        raise PublishError(f"{source} is missing; run its institution again") from exc
    except OSError:
        shutil.copyfile(source, target)


def write_jsonld(nquads: Path, sha256: str, target: Path) -> None:
    """Write a graph's JSON-LD from its N-Quads, checking that these are valid and have this SHA-256.

    Raises:
        PublishError: they are not.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        stream.write(_OPEN)
        writer = GzipWriter(stream)
        body = _ArrayBody(writer)
        try:
            quads = parse(cast("IO[bytes]", _Pieces(read_verified_lines(nquads, sha256))), RdfFormat.N_QUADS)
            serialize(quads, cast("IO[bytes]", body), RdfFormat.JSON_LD)
        except (SyntaxError, ValueError) as exc:
            raise PublishError(f"{nquads} holds what is not N-Quads: {exc}; run its institution again") from exc
        if body.size_bytes:
            writer.close()
        stream.write(_CLOSE)


def concatenate_nquads(parts: Sequence[Path], target: Path) -> Iterator[str]:
    """Write the whole dataset's N-Quads; yield each part's SHA-256 once it is copied."""
    with target.open("xb") as stream:
        for part in parts:
            yield _copy(part, stream, 0, 0)


def concatenate_jsonld(parts: Sequence[Path], target: Path) -> Iterator[str]:
    """Write the whole dataset's JSON-LD; yield each part's SHA-256 once it is copied."""
    with target.open("xb") as stream:
        stream.write(_OPEN)
        between = b""
        for part in parts:
            if part.stat().st_size > len(_OPEN) + len(_CLOSE):
                stream.write(between)
                between = _BETWEEN
            yield _copy(part, stream, len(_OPEN), len(_CLOSE))
        stream.write(_CLOSE)


def write_checksums(dumps: Path, hashes: Mapping[str, str]) -> Path:
    """Write `SHA256SUMS` as `sha256sum -c` reads it; `hashes` are by file name relative to `dumps`."""
    file = dumps / CHECKSUMS
    file.write_text("".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)), encoding="utf-8")
    return file


def _copy(part: Path, target: IO[bytes], skip_head: int, skip_tail: int) -> str:
    """Append a file without its head and tail; return the SHA-256 of the whole file."""
    digest = hashlib.sha256()
    with part.open("rb") as source:
        rest = os.fstat(source.fileno()).st_size - skip_head - skip_tail
        digest.update(source.read(skip_head))
        while rest > 0 and (data := source.read(min(rest, _COPY_BYTES))):
            digest.update(data)
            target.write(data)
            rest -= len(data)
        digest.update(source.read())
    return digest.hexdigest()


class _Pieces:
    """Pieces of bytes as the readable file that pyoxigraph's parser wants."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, nothing at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        size = len(self._rest) if size < 0 else size
        data, self._rest = self._rest[:size], self._rest[size:]
        return bytes(data)


class _ArrayBody:
    """Takes a JSON array and passes on what is between its brackets."""

    def __init__(self, writer: GzipWriter) -> None:
        self._writer = writer
        self._held = b""  # the last byte may be the closing bracket
        self._begun = False
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        """Take a piece of the array."""
        size = len(data)
        if size == 0:
            return 0
        if not self._begun:
            data, self._begun = bytes(data[1:]), True
        data = self._held + data
        if len(data) > 1:
            self.size_bytes += len(data) - 1
            self._writer.write(data[:-1])
        self._held = data[-1:]
        return size

    def flush(self) -> None:
        """Nothing waits here."""

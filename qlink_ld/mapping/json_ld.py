"""Makes JSON-LD of strangers parseable: contexts put in place, nothing fetched, one bad entry no loss for the others.

- A context that is named by its address is replaced by ours, if the mapping has one for it; any other is refused.
- Keys that no context defines, which JSON-LD drops without a word, get a name in the holding namespace and are told.
- A signed credential (JWS in JSON) is opened: its payload is the JSON-LD. Signatures are not checked.
- Where the document as a whole cannot be read, each entry of its list or `@graph` is read alone.

Sources: JSON-LD 1.1 §3.1 (contexts), §5.2.2 (IRI expansion); RFC 7515 §7.2 (JWS JSON serialisation); QualityLink Data
Exchange, requirement E-05 (contexts are never fetched).
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import orjson
from pyoxigraph import Quad, RdfFormat, parse

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_format import check_json_depth
from qlink_ld.namespaces import SOURCE

_HOLDING = {"@vocab": SOURCE}
_GRAPH_KEYS = ("@graph", "graph")


class JsonLdReader:
    """Reads one document.

    Args:
        contexts: address → context, for those that are known. How an address is written (http or https, a suffix
            `.jsonld`, a slash at the end) does not matter.
        url: where the document came from.
        local: how IRIs begin that are names inside one document only; in a list of documents they are kept apart.

    Attributes:
        refused: entries that could not be read: their place, as `@graph/3`, and why.
    """

    def __init__(self, contexts: Mapping[str, Any], url: str, local: tuple[str, ...] = ()) -> None:
        self._contexts = {_plain(address): context for address, context in contexts.items()}
        self._url = url
        self._local = local
        self._suffix = ""
        self.refused: list[tuple[str, str]] = []

    def read(self, body: bytes) -> list[Quad]:
        """Return the quads of a document; invalid IRIs and language tags are still in them.

        Raises:
            UnreadableData: not JSON, too deep, an unknown context, or no entry can be read.
        """
        data = self._write(self._open(body), None)  # the document itself is not kept: it takes more than its triples
        try:
            return self._parse(data)
        except SyntaxError as error:
            problem = error
        entries, context, place = _split(self._open(body))
        if len(entries) < 2:
            raise UnreadableData(
                f"{self._url}: not valid JSON-LD: {problem.msg}; correct the file, or ask its provider to"
            ) from problem
        quads = self._read_each(entries, context, place, 0)
        if len(self.refused) == len(entries):
            raise UnreadableData(
                f"{self._url}: no entry is valid JSON-LD; the first: {self.refused[0][1]}"
            ) from problem
        return quads

    def _open(self, body: bytes) -> Any:  # noqa: ANN401 (JSON)
        """Return a document with its contexts in place."""
        document = self._load(body)
        document = [_open_signed(d) for d in document] if isinstance(document, list) else _open_signed(document)
        check_json_depth(document, self._url)
        return self._settle_all(document)

    def _load(self, body: bytes) -> Any:  # noqa: ANN401 (JSON)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            lines = [line for line in body[:1_000_000].split(b"\n", 2)[:2] if line.strip()]
            hint = "ask the provider for valid JSON-LD"
            if len(lines) > 1 and all(line.strip()[:1] in (b"{", b"[") and _is_json(line) for line in lines[:1]):
                hint = "it has one JSON document on each line: publish one list of them, or N-Quads"
            raise UnreadableData(f"{self._url}: not JSON: {error}; {hint}") from error

    def _parse(self, data: bytes) -> list[Quad]:
        return list(parse(data, format=RdfFormat.JSON_LD, base_iri=self._url, lenient=True))

    def _write(self, document: Any, context: Any) -> bytes:  # noqa: ANN401 (JSON)
        """Write a document whose contexts are in place, or a list of entries below a context."""
        graph = document if isinstance(document, list) else [document]
        whole = {"@context": [_HOLDING, *([context] if context is not None else [])], "@graph": graph}
        if context is None and isinstance(document, dict) and "@context" in document:
            own = document["@context"]
            whole = {**document, "@context": [_HOLDING, *(own if isinstance(own, list) else [own])]}
        return orjson.dumps(whole)

    def _read_each(self, entries: list[Any], context: Any, place: str, first: int) -> list[Quad]:  # noqa: ANN401 (JSON)
        """Read entries that cannot be read together: halves, until what is wrong is alone."""
        try:
            return self._parse(self._write(entries, context))
        except SyntaxError as error:
            if len(entries) == 1:
                self.refused.append((f"{place}{first + 1}", str(error.msg)))
                return []
        half = len(entries) // 2
        return [
            *self._read_each(entries[:half], context, place, first),
            *self._read_each(entries[half:], context, place, first + half),
        ]

    # Contexts ----------------------------------------------------------------------------------------------------

    def _settle_all(self, document: Any) -> Any:  # noqa: ANN401 (JSON)
        """Settle a document, or each document of a list."""
        if not isinstance(document, list):
            return self._settle(document)
        out = []
        for number, entry in enumerate(document):
            is_document = isinstance(entry, dict) and "@context" in entry
            self._suffix = f"~{number}" if is_document else ""
            out.append(self._settle(entry))
        self._suffix = ""
        return out

    def _settle(self, value: Any) -> Any:  # noqa: ANN401 (JSON)
        """Put contexts in place of their addresses, everywhere; take out nulls that parsers refuse documents for."""
        if isinstance(value, str):
            return value + self._suffix if value.startswith(self._local) else value
        if isinstance(value, list):
            for number, entry in enumerate(value):
                value[number] = self._settle(entry)
        elif isinstance(value, dict):
            for key, entry in value.items():
                value[key] = self._context(entry) if key == "@context" else self._settle(entry)
            if "@value" in value and not value.get("@language", True):
                del value["@language"]  # null or empty: no language
        return value

    def _context(self, context: Any) -> Any:  # noqa: ANN401 (JSON)
        if isinstance(context, list):
            parts = [self._context(part) for part in context]
            return [inner for part in parts for inner in (part if isinstance(part, list) else [part])]
        if isinstance(context, str):
            return self._find(context)
        if isinstance(context, dict):
            if "@import" in context:
                rest = {key: value for key, value in context.items() if key != "@import"}
                return [self._find(str(context["@import"])), self._context(rest)]
            return {
                key: {**term, "@context": self._context(term["@context"])}
                if isinstance(term, dict) and "@context" in term
                else term
                for key, term in context.items()
            }
        return context

    def _find(self, address: str) -> Any:  # noqa: ANN401 (JSON)
        address = urljoin(self._url, address)
        known = self._contexts.get(_plain(address))
        if known is None:
            raise UnreadableData(
                f"{self._url}: names the JSON-LD context {address}, and contexts are never fetched; "
                "put its terms into the file ('@context': {…}), publish Turtle, or name it in the mapping's rdf.toml"
            )
        return known


def _plain(address: str) -> str:
    """An address without what servers write in different ways."""
    address = address.strip().partition("#")[0].rstrip("/")
    address = "http://" + address.removeprefix("https://").removeprefix("http://") if "://" in address else address
    return address.removesuffix(".jsonld").removesuffix(".json")


def _split(document: Any) -> tuple[list[Any], Any, str]:  # noqa: ANN401 (JSON)
    """The entries of a document, the context above them, and what to call their place."""
    if isinstance(document, list):
        return document, None, "entry "
    for key in _GRAPH_KEYS if isinstance(document, dict) else ():
        if isinstance(document.get(key), list):
            return document[key], document.get("@context"), f"{key} entry "
    return [document], None, ""


def _open_signed(document: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return the payload of a JWS in JSON, as the European credentials' seals are; anything else as it is."""
    if not isinstance(document, dict) or not isinstance(document.get("payload"), str):
        return document
    if not {"signatures", "signature"} & document.keys():
        return document
    payload = document["payload"]
    try:
        inner = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        return orjson.loads(inner)
    except (binascii.Error, ValueError):
        return document


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True

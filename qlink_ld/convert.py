"""Maps one document without harvesting or publishing: what `qlink-ld convert` does."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import orjson
from pyoxigraph import DefaultGraph, Quad, RdfFormat, parse, serialize

from qlink_ld.document_kind import explain_contradiction
from qlink_ld.enrich.links import LinkBook
from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import Account, Document, JsonMapper, MappingFolder, load_mapping, map_graph
from qlink_ld.mapping.context import compile_context
from qlink_ld.mapping.documents import read_path
from qlink_ld.mapping.folder import ResourceSpec
from qlink_ld.model import DataSource, FieldUse, Institution, Issue, Record
from qlink_ld.namespaces import PREFIXES, Iris
from qlink_ld.ntriples import sort_lines, to_quads
from qlink_ld.provider_json import read_json

_FORMATS = {
    ".jsonld": RdfFormat.JSON_LD,
    ".nt": RdfFormat.N_TRIPLES,
    ".rdf": RdfFormat.RDF_XML,
    ".ttl": RdfFormat.TURTLE,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of a document: sorted N-Triples, and what a data steward should know."""

    ntriples: str
    records: int
    refused: int
    issues: tuple[Issue, ...]
    fields: tuple[FieldUse, ...]


def convert_document(
    body: bytes,
    media_type: str | None,
    url: str,
    mapping_name: str,
    institution: Institution,
    iris: Iris,
    now: datetime,
) -> Conversion:
    """Map the bytes of one file or page.

    Args:
        body: as read.
        media_type: as the server says, if there was one.
        url: where it came from, for messages.
        mapping_name: a bundled name or a folder.
        institution: whose data it is.
        iris: mints IRIs.
        now: decides which records are active.

    Raises:
        UnknownMapping, BrokenMapping: the mapping cannot be used.
        UnreadableData: the body is not what the mapping is for.
    """
    mapping = load_mapping(mapping_name)
    account = Account("document")
    if mapping.body is not None and not mapping.is_graph:
        if reason := explain_contradiction(body, mapping.body.type):
            raise UnreadableData(f"{url}: {reason}")
        whole = Document("data", url, lambda: body)
        batches = JsonMapper(mapping, institution, iris, account, now.date()).map_documents([whole])
    elif not mapping.is_graph:
        resource = _find_resource(body, mapping, url)
        document = Document(resource.name, url, lambda: _as_page(body, resource))
        batches = JsonMapper(mapping, institution, iris, account, now.date()).map_documents([document])
    else:
        source = DataSource(id="document", type=mapping.source_type, path=url)
        batches = map_graph(body, mapping, institution, source, iris, account, now.date(), media_type, url)
    records, refused, parts = 0, 0, []
    links = LinkBook(iris.institution(institution.id))
    for batch in batches:
        for entry in batch:
            if isinstance(entry, Record):
                records += 1
                parts.append(entry.ntriples)
                links.add(entry)
            else:
                refused += 1
    parts += links.complete()
    return Conversion(sort_lines("".join(parts)), records, refused, account.issues, account.fields)


def write_output(ntriples: str, graph: str, output: Path | None) -> bytes:
    """Return triples in the format that the file's suffix names; N-Quads of `graph` without a file."""
    suffix = output.suffix if output else ".nq"
    if suffix == ".nq":
        return to_quads(ntriples, graph).encode()
    if suffix == ".nt":
        return ntriples.encode()
    triples = (quad.triple for quad in parse(ntriples.encode(), format=RdfFormat.N_TRIPLES))
    if suffix == ".jsonld":
        quads = (Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in triples)
        return serialize(quads, format=RdfFormat.JSON_LD, prefixes=PREFIXES) or b""
    return serialize(triples, format=_FORMATS[suffix], prefixes=PREFIXES) or b""


def _find_resource(body: bytes, mapping: MappingFolder, url: str) -> ResourceSpec:
    """Which kind of page it is: the one whose identifier its records have.

    Where several have the same, the file's name or the name of the list may say which; else the one whose context knows
    most of a record's members.
    """
    try:
        document = read_json(body).value
    except ValueError as error:
        raise UnreadableData(f"{url}: not JSON: {error}; the mapping '{mapping.name}' is for JSON") from error
    names = {PurePosixPath(urlsplit(url).path).stem}
    if isinstance(document, dict) and len(document) == 1:
        names |= document.keys()
    children = [resource.children for resource in mapping.resources if resource.children]
    own = {resource.name for resource in mapping.resources}
    alone = {join.resource for join in mapping.joins.values()} | {child.resource for child in children}
    if other := sorted(names & (alone - own)):
        raise UnreadableData(f"{url}: '{other[0]}' alone are no records; harvest the whole source")
    for record in (entry for entry in _records(document) if isinstance(entry, dict)):
        found = [resource for resource in mapping.resources if resource.identifier in record]
        said = names | {value for value in record.values() if isinstance(value, str)}  # as `type` in JSON:API
        named = [resource for resource in found if resource.name in said]
        if not found:
            continue
        best = max(named or found, key=lambda r: len(_terms(r) & record.keys()))
        for child in children if not named else ():
            if child.parent in record and child.parent not in _terms(best) | {best.identifier}:
                raise UnreadableData(f"{url}: '{child.resource}' alone are no records; harvest the whole source")
        return best
    known = ", ".join(f"{r.identifier} ({r.name})" for r in mapping.resources)
    raise UnreadableData(f"{url}: no record has an identifier that the mapping '{mapping.name}' knows: {known}")


def _terms(resource: ResourceSpec) -> AbstractSet[str]:
    """The members of a record that the resource's context defines."""
    return compile_context(resource.context).terms.keys()


def _records(document: object) -> list[object]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        return [document, *(item for entries in lists for item in entries), *document.values()]
    return []


def _as_page(body: bytes, resource: ResourceSpec) -> bytes:
    """Wrap a single record or a bare list as the page that mappings expect."""
    document = read_json(body).value
    if not resource.records or read_path(document, resource.records) is not None:
        return body
    page: object = document if isinstance(document, list) else [document]
    for part in reversed(resource.records.split(".")):
        page = {part: page}
    return orjson.dumps(page)

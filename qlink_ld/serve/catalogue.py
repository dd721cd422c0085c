"""How does a student find a course? By words of its title in any language, by institution and by language."""

from dataclasses import dataclass
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, render_template, request
from pyoxigraph import NamedNode

from qlink_ld.namespaces import DCTERMS, ELM, RDF
from qlink_ld.ntriples import write_literal
from qlink_ld.serve.course import Labels, Link, Text
from qlink_ld.serve.describe import SPECIFICATION, find_labels
from qlink_ld.serve.languages import pick_text, reader_languages
from qlink_ld.serve.site import add_release_headers, client_name, release, site
from qlink_ld.serve.things import institution_of_graph, statistics
from qlink_ld.serve.worker import QueryRequest

blueprint = Blueprint("catalogue", __name__)

_PAGE_SIZE = 25
_MAX_WORDS = 8
_MAX_PAGE = 4000  # what lies deeper is for the downloads


@dataclass(frozen=True, slots=True)
class Hit:
    """One course in the list."""

    iri: str
    title: Text
    providers: list[Link]
    levels: list[Link]
    languages: list[Link]


def write_search(words: list[str], graph: str | None, language: str | None, offset: int, count: int) -> str:
    """Write the query for a page of the catalogue. Every value is escaped as a literal or checked as an IRI.

    Args:
        words: all of them must be in one title, in any case.
        graph: named graph of an institution, or None.
        language: IRI of a language of instruction, or None.
        offset: how many courses to leave out.
        count: how many to give.
    """
    tests = "".join(f"FILTER(CONTAINS(LCASE(STR(?title)), {write_literal(word.lower())}))\n" for word in words)
    spoken = f"?course <{DCTERMS}language> {NamedNode(language)} ." if language else ""
    inside = f"VALUES ?graph {{ {NamedNode(graph)} }}" if graph else ""
    return f"""SELECT ?course WHERE {{
{inside}
GRAPH ?graph {{ ?course a <{SPECIFICATION}> ; <{DCTERMS}title> ?title . {spoken} }}
{tests}}}
GROUP BY ?course ORDER BY LCASE(MIN(STR(?title))) ?course OFFSET {offset:d} LIMIT {count:d}"""


@blueprint.get("/catalogue")
def search_courses() -> Response:
    """Show a page of courses that fit."""
    words = request.args.get("q", "").split()[:_MAX_WORDS]
    institution, language = request.args.get("institution", ""), request.args.get("language", "")
    page = min(max(request.args.get("page", 1, type=int), 1), _MAX_PAGE)
    known = {count.id for count in statistics().institutions}
    graph = site().config.iris.institution_graph(institution) if institution in known else None
    spoken = language if any(language == iri for iri, _ in statistics().languages) else None
    query = write_search(words, graph, spoken, (page - 1) * _PAGE_SIZE, _PAGE_SIZE + 1)
    answer = site().pool.run(QueryRequest(query, "json", None), client_name())
    rows = orjson.loads(b"".join(answer.read()))["results"]["bindings"]
    labels = Labels(release().store, reader_languages())
    response = Response(
        render_template(
            "catalogue.html",
            hits=[_read_hit(row["course"]["value"], labels) for row in rows[:_PAGE_SIZE]],
            words=" ".join(words),
            institution=institution if graph else "",
            language=spoken or "",
            institutions=statistics().institutions,
            languages=[(link, count) for (link, count) in _language_links(labels)],
            number=page,
            before=_address(page - 1) if page > 1 else None,
            after=_address(page + 1) if len(rows) > _PAGE_SIZE and page < _MAX_PAGE else None,
        )
    )
    response.vary.add("Accept-Language")
    return add_release_headers(response)


def _language_links(labels: Labels) -> list[tuple[Link, int]]:
    return [(Link(iri, labels.text(iri)), count) for iri, count in statistics().languages]


def _address(page: int) -> str:
    values = {key: value for key, value in request.args.items() if value and key != "page"}
    return f"{site().root}catalogue?{urlencode({**values, 'page': page})}"


def _read_hit(iri: str, labels: Labels) -> Hit:
    store = release().store
    node = NamedNode(iri)

    def follow(predicate: str) -> list[str]:
        quads = store.quads_for_pattern(node, NamedNode(predicate), None, None)
        return [quad.object.value for quad in quads if isinstance(quad.object, NamedNode)]

    title = pick_text(find_labels(store, iri), labels.languages)
    providers = follow(f"{DCTERMS}publisher")
    if not providers:  # then it is offered by whoever runs the source
        homes = (quad.graph_name for quad in store.quads_for_pattern(node, NamedNode(f"{RDF}type"), None, None))
        providers = [p for g in homes if isinstance(g, NamedNode) and (p := institution_of_graph(g.value))]
    return Hit(
        iri,
        Text(title.value, title.language or "") if title else Text(iri),
        labels.links(providers),
        labels.links(follow(f"{ELM}EQFLevel")),
        labels.links(follow(f"{DCTERMS}language")),
    )

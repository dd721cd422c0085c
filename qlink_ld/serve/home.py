"""What is this? The first page with counts of the current release, and the list of example queries."""

from flask import Blueprint, Response, render_template
from werkzeug.exceptions import NotFound

from qlink_ld.serve.course import Labels, Link
from qlink_ld.serve.example_queries import find_query, list_queries
from qlink_ld.serve.languages import reader_languages
from qlink_ld.serve.site import add_release_headers, make_etag, not_modified, release, site
from qlink_ld.serve.things import statistics

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def show_home() -> Response:
    """Show what this is, how much there is, and where to go on."""
    languages = reader_languages()
    etag = make_etag("home", *languages)
    response = not_modified(etag)
    if response is None:
        labels = Labels(release().store, languages)
        counts = statistics()
        iris = site().config.iris
        alliances = [
            (
                iris.alliance(str(entry.get("id"))),
                str(entry.get("name") or entry.get("id")),
                len(members) if isinstance(members := entry.get("members"), list) else 0,
            )
            for entry in release().alliances
        ]
        spoken = [(Link(iri, labels.text(iri)), count) for iri, count in counts.languages]
        response = Response(render_template("home.html", counts=counts, alliances=alliances, languages=spoken))
    response.vary.add("Accept-Language")
    return add_release_headers(response, etag)


@blueprint.get("/institutions/")
@blueprint.get("/alliances/")
def list_institutions() -> Response:
    """Send to the first page, which lists them."""
    return Response(status=303, headers={"Location": f"{site().root}#institutions"})


@blueprint.get("/queries/")
@blueprint.get("/queries")
def show_queries() -> Response:
    """List the example queries, each with a link that runs it."""
    return Response(render_template("queries.html", queries=list_queries()))


@blueprint.get("/queries/<name>")
def show_query(name: str) -> Response:
    """Show one example query; with the suffix `.rq` its text alone."""
    query = find_query(name.removesuffix(".rq"))
    if query is None:
        raise NotFound(f"there is no example query '{name}'; {site().base}queries/ lists them")
    if name.endswith(".rq"):
        return Response(query.text, content_type="application/sparql-query; charset=utf-8")
    return Response(render_template("query.html", query=query))

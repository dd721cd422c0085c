"""How is one thing read? Courses, instances, institutions, alliances, and by `/resource?iri=` anything else.

The path is taken as the reader sent it, because `%2F` in a source's id is not a separator. The IRI as it stands comes
first, then the IRI without a suffix for a format: a source's id may end in ".ttl".
"""

from itertools import islice
from urllib.parse import unquote, urlencode

from flask import Blueprint, Response, render_template, request
from pyoxigraph import NamedNode
from werkzeug.exceptions import BadRequest, NotFound

from qlink_ld.namespaces import ADMS, ELM, FOAF, OWL, RDF, ROV, SKOS, encode_segment
from qlink_ld.serve.course import Labels, Text, view_course, view_instance
from qlink_ld.serve.describe import ALLIANCE, INSTANCE, INSTITUTION, SPECIFICATION, Description, describe
from qlink_ld.serve.elm_versions import PROFILES
from qlink_ld.serve.formats import (
    GRAPH_FORMATS,
    HTML,
    PAGE_FORMATS,
    Format,
    choose_profile,
    find_format,
    require_format,
)
from qlink_ld.serve.languages import order_by_language, reader_languages
from qlink_ld.serve.site import add_release_headers, keep, make_etag, not_modified, raw_segments, release, site
from qlink_ld.serve.statistics import Statistics, count_release

blueprint = Blueprint("things", __name__)

_SHOWN_COURSES = 25


def statistics() -> Statistics:
    """Return the counts of the release that this request reads."""
    base = site().base
    counts: Statistics = keep("statistics", lambda data: count_release(data, base))
    return counts


def _describe(iri: str) -> Description:
    base = site().base
    return describe(release().store, iri, (f"{base}graphs/reports/", f"{base}graphs/description"))


@blueprint.get("/courses/<path:path>")
@blueprint.get("/institutions/<path:path>")
@blueprint.get("/alliances/<path:path>")
def show_thing(path: str) -> Response:  # noqa: ARG001 (decoded by the server; the raw path is taken)
    """Answer with the thing whose IRI this is, as a page or as RDF."""
    segments = raw_segments()
    base = site().base
    data = _describe(base + "/".join(map(encode_segment, segments)))
    if data:
        return answer_thing(data, None)
    stem, dot, suffix = segments[-1].rpartition(".")
    named = find_format(suffix, PAGE_FORMATS) if dot and stem else None
    if named is not None and suffix == named.suffix:
        data = _describe(base + "/".join(map(encode_segment, [*segments[:-1], stem])))
        if data:
            return answer_thing(data, named)
    if segments[0] == "institutions" and (other := _redirect_to_same(base + "/".join(map(encode_segment, segments)))):
        return other
    if segments[0] == "courses" and len([segment for segment in segments if segment]) == 2:
        return _redirect_to_catalogue(segments[1])
    raise NotFound(
        f"nothing is published under {base}{'/'.join(map(encode_segment, segments))}: it may never have been, its "
        "source may have dropped it, or it does not conform; see the institution's report"
    )


def _redirect_to_same(iri: str) -> Response | None:
    """Send from another of our IRIs for an institution, such as one with its former SCHAC code, to the institution."""
    graph = NamedNode(site().config.iris.registry_graph)
    quads = release().store.quads_for_pattern(None, NamedNode(f"{OWL}sameAs"), NamedNode(iri), graph)
    same = sorted(quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode))
    return Response(status=303, headers={"Location": site().page(same[0])}) if same else None


def _redirect_to_catalogue(institution: str) -> Response:
    if all(count.id != institution for count in statistics().institutions):
        raise NotFound(f"there is no institution '{institution}' here")
    target = f"{site().root}catalogue?{urlencode({'institution': institution})}"
    return Response(status=303, headers={"Location": target})


@blueprint.get("/courses/")
def list_courses() -> Response:
    """Send to the catalogue, which lists them."""
    return Response(status=303, headers={"Location": f"{site().root}catalogue"})


@blueprint.get("/resource")
def show_resource() -> Response:
    """Answer with any thing that the release knows, by its IRI: `/resource?iri=IRI`."""
    iri = request.args.get("iri", "")
    if not iri:
        raise BadRequest("say which thing: /resource?iri=IRI, the IRI percent-encoded")
    data = _describe(iri)
    if not data:
        raise NotFound(f"no published statement is about {iri}")
    return answer_thing(data, None)


def answer_thing(data: Description, named: Format | None) -> Response:
    """Answer with a description in the format and the ELM version that the reader asked for."""
    form = named or require_format(request, PAGE_FORMATS)
    profile = choose_profile(request)
    if profile is None:
        raise BadRequest("unknown profile; known: " + ", ".join(known.name for known in PROFILES))
    languages = reader_languages() if form is HTML else []
    etag = make_etag(data.iri, form.name, profile.name, *languages)
    response = not_modified(etag)
    if response is None:
        body: str | bytes = render_thing(data, languages) if form is HTML else data.serialize(form, profile)
        response = Response(body, content_type=form.content_type)
    if form is not HTML:
        response.headers["Content-Profile"] = f"<{profile.iri}>"
        response.headers.add("Link", f'<{profile.iri}>; rel="profile"')
    for offer in PAGE_FORMATS:
        address = alternate_address(data.iri, offer)
        response.headers.add("Link", f'<{address}>; rel="alternate"; type="{offer.media_type}"')
    response.vary.update(("Accept", "Accept-Profile"))
    if form is HTML:
        response.vary.add("Accept-Language")
    return add_release_headers(response, etag)


def alternate_address(iri: str, form: Format) -> str:
    """Return the address of one format of a thing's description."""
    page = site().page(iri)
    if iri.startswith(site().base):
        return f"{page}.{form.suffix}"
    return f"{page}&_mediatype={form.name}"


def _alternates(iri: str) -> list[tuple[str, str]]:
    links = [(form.title, alternate_address(iri, form)) for form in GRAPH_FORMATS]
    old = alternate_address(iri, GRAPH_FORMATS[0])
    return [*links, ("Turtle, ELM 3.0–3.2", f"{old}{'&' if '?' in old else '?'}_profile=elm-3.2")]


def render_thing(data: Description, languages: list[str]) -> str:
    """Write the page about a thing."""
    labels = Labels(release().store, languages)
    types = data.types()
    common: dict[str, object] = {"alternates": _alternates(data.iri), "iri": data.iri}
    if SPECIFICATION in types:
        providers = [provider for graph in data.graphs if (provider := institution_of_graph(graph))]
        return render_template("course.html", course=view_course(data, labels, providers), **common)
    if INSTANCE in types:
        course = data.iris(data.iri, f"{ELM}learningAchievementSpecification")
        return render_template(
            "instance.html", instance=view_instance(data, data.iri, labels), courses=labels.links(course), **common
        )
    if INSTITUTION in types and data.iri.startswith(f"{site().base}institutions/"):
        return _render_institution(data, labels, common)
    if ALLIANCE in types:
        return _render_alliance(data, labels, common)
    return render_template(
        "resource.html", data=data, title=labels.text(data.iri), statements=_statements(data), **common
    )


def institution_of_graph(graph: str) -> str | None:
    """Return the IRI of the institution whose published graph this is, or None."""
    prefix = f"{site().base}graphs/institutions/"
    return f"{site().base}institutions/{graph[len(prefix) :]}" if graph.startswith(prefix) else None


def _statements(data: Description) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Return for each subject its statements: predicate, kind (iri or text), value, language."""
    return [
        (
            subject,
            [
                (predicate, "iri", value.value, "")
                if isinstance(value, NamedNode)
                else (predicate, "text", value.value, value.language or "")
                for predicate, found in values.items()
                for value in found
            ],
        )
        for subject, values in data.subjects.items()
    ]


def _names(data: Description, languages: list[str]) -> list[Text]:
    found = data.literals(data.iri, f"{ROV}legalName") or data.literals(data.iri, f"{SKOS}prefLabel")
    found = found or data.literals(data.iri, f"{FOAF}name")
    return [Text(name.value, name.language or "") for name in order_by_language(found, languages)]


def _render_institution(data: Description, labels: Labels, common: dict[str, object]) -> str:
    key = unquote(data.iri.rpartition("/")[2])
    count = next((entry for entry in statistics().institutions if entry.id == key), None)
    graph = NamedNode(site().config.iris.institution_graph(key))
    quads = release().store.quads_for_pattern(None, NamedNode(f"{RDF}type"), NamedNode(SPECIFICATION), graph)
    courses = [quad.subject.value for quad in islice(quads, _SHOWN_COURSES) if isinstance(quad.subject, NamedNode)]
    members = release().store.quads_for_pattern(None, NamedNode(f"{FOAF}member"), NamedNode(data.iri), None)
    alliances = [quad.subject.value for quad in members if isinstance(quad.subject, NamedNode)]
    return render_template(
        "institution.html",
        key=key,
        names=_names(data, list(labels.languages)),
        count=count,
        codes=[value.value for value in data.literals(data.iri, f"{ADMS}identifier", f"{SKOS}notation")],
        homepages=[value.value for value in data.literals(data.iri, f"{FOAF}homepage", f"{ELM}contentUrl")],
        same_as=data.iris(data.iri, f"{OWL}sameAs"),
        courses=labels.links(courses),
        alliances=labels.links(alliances),
        **common,
    )


def _render_alliance(data: Description, labels: Labels, common: dict[str, object]) -> str:
    counts = {site().config.iris.institution(entry.id): entry for entry in statistics().institutions}
    members = [(link, counts.get(link.iri)) for link in labels.links(data.iris(data.iri, f"{FOAF}member"))]
    return render_template(
        "alliance.html",
        names=_names(data, list(labels.languages)),
        members=sorted(members, key=lambda pair: pair[0].label.value),
        specifications=sum(count.specifications for _, count in members if count),
        homepages=[value.value for value in data.literals(data.iri, f"{FOAF}homepage", f"{ELM}contentUrl")],
        **common,
    )

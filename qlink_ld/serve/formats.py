"""Which media type does a reader get? Content negotiation as RFC 9110 §12.5.1 has it, the same for every route."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Request
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import parse_accept_header, parse_options_header

from qlink_ld.serve.elm_versions import CURRENT, Profile, find_profile


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which something can be read."""

    name: str  # a key of the worker's formats, or "html"
    media_type: str
    title: str
    suffix: str
    aliases: tuple[str, ...] = ()  # other media types that mean it
    names: tuple[str, ...] = ()  # other names for `?format=`

    @property
    def content_type(self) -> str:
        """The Content-Type header, with charset where the type is text."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


HTML: Final = Format("html", "text/html", "HTML", "html", ("application/xhtml+xml",))
TURTLE: Final = Format("turtle", "text/turtle", "Turtle", "ttl", ("application/x-turtle",), ("ttl",))
NTRIPLES: Final = Format("ntriples", "application/n-triples", "N-Triples", "nt", ("text/plain",), ("nt", "n-triples"))
JSONLD: Final = Format("jsonld", "application/ld+json", "JSON-LD", "jsonld", ("application/json",), ("json-ld", "json"))
RDFXML: Final = Format(
    "rdfxml", "application/rdf+xml", "RDF/XML", "rdf", ("application/xml", "text/xml"), ("rdf", "xml", "rdf-xml")
)
RESULTS_JSON: Final = Format(
    "json", "application/sparql-results+json", "JSON", "json", ("application/json", "text/json"), ("srj",)
)
RESULTS_XML: Final = Format(
    "xml", "application/sparql-results+xml", "XML", "xml", ("application/xml", "text/xml"), ("srx",)
)
CSV: Final = Format("csv", "text/csv", "CSV", "csv")
TSV: Final = Format("tsv", "text/tab-separated-values", "TSV", "tsv")

# The first one is what a reader gets who takes anything.
GRAPH_FORMATS: Final = (TURTLE, JSONLD, RDFXML, NTRIPLES)
RESULTS_FORMATS: Final = (RESULTS_JSON, RESULTS_XML, CSV, TSV)
PAGE_FORMATS: Final = (HTML, *GRAPH_FORMATS)


def negotiate(accept: str | None, offers: Sequence[Format]) -> Format | None:
    """Return the offer that the Accept header likes best; among equals the earlier one. None: nothing fits.

    A range counts for an offer by its most specific form: the type itself, an alias, `type/*`, `*/*`. Parameters
    other than `q` are looked past: `application/ld+json;profile="…"` is JSON-LD.
    """
    if not accept or not accept.strip():
        return offers[0]
    ranges = [(parse_options_header(value)[0].lower(), quality) for value, quality in parse_accept_header(accept)]
    best: Format | None = None
    best_rank = (0.0, 0)
    for offer in offers:
        quality, specificity = _rate(offer, ranges)
        # An alias is a weaker wish than the type itself, but never than another quality.
        if (quality, specificity > 2) > best_rank and quality > 0:
            best, best_rank = offer, (quality, specificity > 2)
    return best


def _rate(offer: Format, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    best = (0.0, -1)
    for value, quality in ranges:
        if value == offer.media_type:
            specificity = 3
        elif value in offer.aliases:
            specificity = 2
        elif value == f"{offer.media_type.partition('/')[0]}/*":
            specificity = 1
        elif value in ("*/*", "*"):
            specificity = 0
        else:
            continue
        if specificity > best[1] or (specificity == best[1] and quality > best[0]):
            best = (quality, specificity)
    return best


def find_format(name: str, offers: Sequence[Format]) -> Format | None:
    """Return the offer that a name, a suffix or a media type stands for, or None."""
    wanted = name.strip().lower().replace(" ", "+")  # "+" of a media type, forgotten to be escaped in the query
    for offer in offers:
        if wanted in (offer.media_type, offer.name, offer.suffix, *offer.names):
            return offer
    return next((offer for offer in offers if wanted in offer.aliases), None)


def choose_format(request: Request, offers: Sequence[Format]) -> Format | None:
    """Return what `?format=` or `?_mediatype=` asks for, else what Accept likes best; None if nothing fits."""
    named = request.args.get("_mediatype") or request.args.get("format")
    return find_format(named, offers) if named else negotiate(request.headers.get("Accept"), offers)


def require_format(request: Request, offers: Sequence[Format]) -> Format:
    """Return the format for this reader.

    Raises:
        NotAcceptable: nothing fits.
    """
    chosen = choose_format(request, offers)
    if chosen is None:
        raise NotAcceptable("this is available as " + ", ".join(offer.media_type for offer in offers))
    return chosen


def choose_profile(request: Request) -> Profile | None:
    """Return the ELM version that `?_profile=` or Accept-Profile asks for.

    Returns:
        None if `?_profile=` names one that does not exist. What Accept-Profile asks for in vain gives the default:
        W3C Content Negotiation by Profile, §7.1.
    """
    if named := request.args.get("_profile"):
        return find_profile(named)
    header = request.headers.get("Accept-Profile")
    if not header:
        return CURRENT
    best, best_quality = CURRENT, 0.0
    for value, quality in parse_accept_header(header):
        profile = find_profile(value.strip().strip("<>"))
        if profile is not None and quality > best_quality:
            best, best_quality = profile, quality
    return best


def prefers_html(request: Request) -> bool:
    """True for a reader who rather reads a page than JSON: a browser."""
    return (
        "text/html" in request.headers.get("Accept", "")
        and negotiate(
            request.headers.get("Accept"),
            (HTML, Format("problem", "application/problem+json", "", "", ("application/json",))),
        )
        is HTML
    )

"""How much is in a release? Counted once per release and kept with it: a release never changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pyoxigraph import Literal, NamedNode, QuerySolutions

from qlink_ld.namespaces import DCTERMS
from qlink_ld.serve.describe import INSTANCE, SPECIFICATION
from qlink_ld.serve.release import OpenRelease

_COUNT = "SELECT ?key (COUNT(DISTINCT ?thing) AS ?count) WHERE {{ {pattern} }} GROUP BY ?key ORDER BY DESC(?count) ?key"


@dataclass(frozen=True, slots=True)
class InstitutionCount:
    """What is published of one institution, and how its last harvest went as far as release.json knows."""

    id: str
    name: str
    specifications: int
    instances: int
    status: str
    harvested_at: str
    info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statistics:
    """The counts of one release."""

    institutions: tuple[InstitutionCount, ...]
    specifications: int
    instances: int
    quads: int
    languages: tuple[tuple[str, int], ...]  # IRI of a language of instruction, specifications; commonest first


def _count(release: OpenRelease, pattern: str) -> dict[str, int]:
    solutions = release.store.query(_COUNT.format(pattern=pattern), use_default_graph_as_union=True)
    found: dict[str, int] = {}
    if isinstance(solutions, QuerySolutions):
        for solution in solutions:
            key, count = solution["key"], solution["count"]
            if isinstance(key, NamedNode) and isinstance(count, Literal):
                found[key.value] = int(count.value)
    return found


def _count_in_graphs(release: OpenRelease, base: str, member: str, kind: str) -> dict[str, int]:
    """Return how many things of a kind are in each institution's graph, by institution id."""
    prefix = f"{base}graphs/institutions/"
    graphs = {iri: entry for iri, entry in release.graphs.items() if iri.startswith(prefix)}
    if graphs and all(isinstance(entry.get(member), int) for entry in graphs.values()):
        counts = {iri: int(entry[member]) for iri, entry in graphs.items()}
    else:
        counts = _count(release, f"GRAPH ?key {{ ?thing a <{kind}> }}")
    return {unquote(iri[len(prefix) :]): count for iri, count in counts.items() if iri.startswith(prefix)}


def count_release(release: OpenRelease, base: str) -> Statistics:
    """Count what a release holds.

    Args:
        release: an open release.
        base: the deployment's base IRI.
    """
    specifications = _count_in_graphs(release, base, "specifications", SPECIFICATION)
    instances = _count_in_graphs(release, base, "instances", INSTANCE)
    listed = {str(entry.get("institution")): entry for entry in release.institutions}
    institutions = []
    for key in sorted({*specifications, *listed}):
        info = listed.get(key, {})
        institutions.append(
            InstitutionCount(
                key,
                str(info.get("name") or key),
                specifications.get(key, 0),
                instances.get(key, 0),
                str(info.get("status") or "published"),
                str(info.get("harvested_at") or ""),
                info,
            )
        )
    quads = release.info.get("quads")
    languages = _count(release, f"?thing a <{SPECIFICATION}> ; <{DCTERMS}language> ?key")
    return Statistics(
        tuple(institutions),
        sum(specifications.values()),
        sum(instances.values()),
        quads if isinstance(quads, int) else len(release.store),
        tuple(languages.items()),
    )

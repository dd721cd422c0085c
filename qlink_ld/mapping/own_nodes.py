"""Which nodes of an RDF file are the institution that runs the source, whatever they are called there.

A node is proved to be it by its IRI (the registry's, one of `same_as`, the institution's website, its SCHAC code as
`urn:schac:` or `did:web:`), by an identifier (OrgReg or SCHAC code, or one of these IRIs), by `owl:sameAs`, by having
the institution's website as home page, or by being the only institution in the file with an IRI on its own domain. A
unit is proved to be a part of it by `org:subOrganizationOf`. Names prove nothing: two universities may share one.
Nothing is the institution that carries another one's OrgReg or SCHAC code, whatever else it says.

Source: DESIGN §3; crosswalk §5; profile 0.4.0 (identifiers of institutions); course identifiers (C-01).
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

from qlink_ld.mapping.rdf_graph import Graph
from qlink_ld.mapping.rdf_terms import Node, Statement, is_iri, is_literal, read_value
from qlink_ld.model import Institution
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, OWL, QL, SKOS

_INSTITUTION = f"{QL}HigherEducationInstitution"
_KINDS = frozenset((_INSTITUTION, f"{ELM}Organisation", f"{FOAF}Organization", f"{ELM}AwardingBody"))
_UNIT_OF = ("http://www.w3.org/ns/org#subOrganizationOf", "http://www.w3.org/ns/org#unitOf")
AGENTS = frozenset(
    (
        f"{DCTERMS}publisher",
        f"{ELM}providedBy",
        f"{ELM}awardingBody",
        f"{ELM}awardedBy",
        f"{ELM}organisation",
        *_UNIT_OF,
    )
)
_NONE: frozenset[str] = frozenset()
_SCHEMES = {"orgreg": "orgreg", "eter": "orgreg", "schac": "schac", "schachome": "schac"}
_SCHAC_URNS = ("urn:schac:schachomeorganization:", "urn:schac:homeorganization:", "did:web:", "urn:schac:")
_IDENTIFIERS = (
    f"{ADMS}identifier",
    f"{DCTERMS}identifier",
    f"{ELM}registration",
    "http://www.w3.org/ns/regorg#registration",
)


class OwnNodes:
    """Finds the institution's nodes in one file.

    Args:
        institution: as the registry knows it.
        own: its node.
        graph: the file's triples by subject.
    """

    def __init__(self, institution: Institution, own: Node, graph: Graph) -> None:
        self._description = graph.description
        self._types = graph.types
        self._orgreg = institution.id.lower()
        self._schac = (institution.schac or institution.id).lower()
        self._schacs = {self._schac, *(code.lower() for code in institution.previous_schac)}
        self._website = _plain(institution.website) if institution.website else ""
        host = urlsplit(institution.website or "").hostname or ""
        self._hosts = {h for h in (self._schac, host.removeprefix("www.")) if "." in h}
        self._same_as = {_plain(own[1:-1]), *(_plain(iri) for iri in institution.same_as)}
        self._iris = self._same_as | ({self._website} if self._website else set())

    def find(self) -> set[Node]:
        """Return the nodes that are the institution."""
        found: set[Node] = set()
        candidates: list[Node] = []
        for node, statements in self._description.items():
            kinds = self._types.get(node, _NONE)
            if kinds and kinds.isdisjoint(_KINDS):
                continue
            says = _by_property(statements)
            verdict = self._check(node, says, kinds)
            if verdict:
                found.add(node)
            elif verdict is None and _INSTITUTION in kinds and self._is_on_own_domain(node):
                candidates.append(node)
        found |= {
            value for value in self._claimed() if value not in self._description and self._is_own_iri(value[1:-1])
        }
        if not any(node in self._description for node in found) and len(candidates) == 1:
            found.update(candidates)
        return found

    def find_units(self, own: set[Node]) -> set[Node]:
        """Return the nodes that are parts of the institution, at any depth."""
        units: set[Node] = set()
        links = [
            (node, value)
            for node, statements in self._description.items()
            if node not in own
            for predicate, value in statements
            if predicate in _UNIT_OF
        ]
        while True:
            more = {node for node, value in links if node not in units and (value in own or value in units)}
            if not more:
                return units
            units |= more

    def _claimed(self) -> set[Node]:
        """Who is said to publish, provide or award something, and who has an IRI of the institution."""
        found: set[Node] = set()
        others: set[Node] = set()
        for statements in self._description.values():
            for predicate, value in statements:
                if value[0] == "<":
                    (found if predicate in AGENTS else others).add(value)
        return found | {value for value in others if _plain(value[1:-1]) in self._same_as}

    def _check(self, node: Node, says: Mapping[str, Sequence[str]], kinds: AbstractSet[str]) -> bool | None:
        """Whether a node is the institution: yes, certainly not, or not known."""
        if kinds and not kinds & _KINDS:
            return None
        codes = [self._is_own_code(value) for name in _IDENTIFIERS for value in says.get(name, ())]
        if True in codes:
            return True
        if False in codes:
            return False
        if is_iri(node) and self._is_own_iri(node[1:-1]):
            return True if kinds or _plain(node[1:-1]) in self._same_as else None
        if any(is_iri(v) and self._is_own_iri(v[1:-1]) for v in says.get(f"{OWL}sameAs", ())):
            return True
        if kinds & _KINDS and self._website and not any(name in says for name in _UNIT_OF):
            pages = {_plain(page) for value in says.get(f"{FOAF}homepage", ()) for page in self._addresses(value)}
            if self._website in pages:
                return True
        return None

    def _is_own_code(self, value: str) -> bool | None:
        """Whether an identifier is one of the institution's: yes, another's code in the same scheme, or not known."""
        if value[0] != "_" and value not in self._description:
            text = read_value(value)
            return True if self._is_own_iri(text) or text.strip().lower() in self._codes() else None
        says = _by_property(self._description.get(value, ()))
        codes = [read_value(v).strip().lower() for v in says.get(f"{SKOS}notation", ()) if is_literal(v)]
        names = [
            read_value(v).replace("#", "/").rpartition("/")[2].lower()
            for name in (f"{ELM}schemeId", f"{ELM}schemeName")
            for v in says.get(name, ())
            if v[0] != "_"
        ]
        kinds = self._types.get(value, _NONE)
        scheme = next((_SCHEMES[name] for name in names if name in _SCHEMES), None)
        scheme = scheme or ("orgreg" if f"{QL}OrgRegIdentifier" in kinds else None)
        scheme = scheme or ("schac" if f"{QL}SchacIdentifier" in kinds else None)
        if any(self._is_own_iri(code) for code in codes):
            return True
        if scheme and codes:
            return bool(({self._orgreg} if scheme == "orgreg" else self._schacs) & {*codes})
        return None

    def _codes(self) -> tuple[str, ...]:
        return (self._orgreg, *self._schacs)

    def _is_own_iri(self, iri: str) -> bool:
        if _plain(iri) in self._iris:
            return True
        lower = iri.lower()
        return any(lower == prefix + code for prefix in _SCHAC_URNS for code in self._schacs)

    def _addresses(self, value: str) -> list[str]:
        """The addresses that a home page has."""
        if is_literal(value):
            return [read_value(value)]
        content = [
            read_value(v) for p, v in self._description.get(value, ()) if p == f"{ELM}contentUrl" and v[0] != "_"
        ]
        return content or ([value[1:-1]] if is_iri(value) else [])

    def _is_on_own_domain(self, node: Node) -> bool:
        host = (urlsplit(node[1:-1]).hostname or "") if is_iri(node) else ""
        return any(host == own or host.endswith(f".{own}") for own in self._hosts)


def _by_property(statements: Sequence[Statement]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for predicate, value in statements:
        out.setdefault(predicate, []).append(value)
    return out


def _plain(address: str) -> str:
    """An address without what is written in several ways: scheme, www, slash at the end, case of the host."""
    scheme, colon, rest = address.strip().partition("://")
    if not colon or scheme.lower() not in ("http", "https"):
        return address.strip()
    host, slash, path = rest.partition("/")
    return host.lower().removeprefix("www.") + (slash + path).rstrip("/")

"""Which nodes of an RDF file are the institution that runs the source, whatever they are called there.

A node is proved to be it by its IRI (the registry's, one of `same_as`, the institution's website, its SCHAC code as
`urn:schac:` or `did:web:`), by an identifier (OrgReg or SCHAC code, or one of these IRIs), by `owl:sameAs`, by having
the institution's website as home page, or by being the only institution in the file with an IRI on its own domain. A
unit is proved to be a part of it by `org:subOrganizationOf`. Names prove nothing: two universities may share one.
Nothing is the institution that carries another one's OrgReg or SCHAC code, whatever else it says.

Source: DESIGN §3; crosswalk §5; profile 0.4.0 (identifiers of institutions); course identifiers (C-01).
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pyoxigraph import Literal, NamedNode

from qlink_ld.mapping.skolem import Description, Node
from qlink_ld.model import Institution
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, OWL, QL, RDF, SKOS

_TYPE = NamedNode(f"{RDF}type")
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
        own: its IRI.
        description: the file's triples by subject.
    """

    def __init__(self, institution: Institution, own: NamedNode, description: Description) -> None:
        self._description = description
        self._orgreg = institution.id.lower()
        self._schac = (institution.schac or institution.id).lower()
        self._website = _plain(institution.website) if institution.website else ""
        host = urlsplit(institution.website or "").hostname or ""
        self._hosts = {h for h in (self._schac, host.removeprefix("www.")) if "." in h}
        self._same_as = {_plain(own.value), *(_plain(iri) for iri in institution.same_as)}
        self._iris = self._same_as | ({self._website} if self._website else set())

    def find(self) -> set[Node]:
        """Return the nodes that are the institution."""
        found: set[Node] = set()
        candidates: list[Node] = []
        for node, statements in self._description.items():
            kinds = {
                value.value for predicate, value in statements if predicate == _TYPE and isinstance(value, NamedNode)
            }
            if kinds and kinds.isdisjoint(_KINDS):
                continue
            says = _by_property(statements)
            verdict = self._check(node, says, kinds)
            if verdict:
                found.add(node)
            elif verdict is None and _INSTITUTION in kinds and self._is_on_own_domain(node):
                candidates.append(node)
        found |= {
            value for value in self._claimed() if value not in self._description and self._is_own_iri(value.value)
        }
        if not any(node in self._description for node in found) and len(candidates) == 1:
            found.update(candidates)
        return found

    def find_units(self, own: set[Node]) -> set[Node]:
        """Return the nodes that are parts of the institution, at any depth."""
        units: set[Node] = set()
        while True:
            more = {
                node
                for node, statements in self._description.items()
                if node not in units and node not in own and any(
                    predicate.value in _UNIT_OF and (value in own or value in units) for predicate, value in statements
                )
            }  # fmt: skip
            if not more:
                return units
            units |= more

    def _claimed(self) -> set[NamedNode]:
        """Who is said to publish, provide or award something."""
        return {
            value
            for statements in self._description.values()
            for predicate, value in statements
            if isinstance(value, NamedNode) and (predicate.value in AGENTS or _plain(value.value) in self._same_as)
        }

    def _check(self, node: Node, says: Mapping[str, Sequence[Node | Literal]], kinds: set[str]) -> bool | None:
        """Whether a node is the institution: yes, certainly not, or not known."""
        if kinds and not kinds & _KINDS:
            return None
        codes = [self._is_own_code(value) for name in _IDENTIFIERS for value in says.get(name, ())]
        if True in codes:
            return True
        if False in codes:
            return False
        if isinstance(node, NamedNode) and self._is_own_iri(node.value):
            return True if kinds or _plain(node.value) in self._same_as else None
        if any(isinstance(v, NamedNode) and self._is_own_iri(v.value) for v in says.get(f"{OWL}sameAs", ())):
            return True
        if kinds & _KINDS and self._website and not any(name in says for name in _UNIT_OF):
            pages = {_plain(page) for value in says.get(f"{FOAF}homepage", ()) for page in self._addresses(value)}
            if self._website in pages:
                return True
        return None

    def _is_own_code(self, value: Node | Literal) -> bool | None:
        """Whether an identifier is one of the institution's: yes, another's code in the same scheme, or not known."""
        if isinstance(value, Literal | NamedNode) and value not in self._description:
            return True if self._is_own_iri(value.value) or value.value.strip().lower() in self._codes() else None
        says = _by_property(self._description.get(value, ()))  # type: ignore[arg-type]  # described, so no literal
        codes = [v.value.strip().lower() for v in says.get(f"{SKOS}notation", ()) if isinstance(v, Literal)]
        names = [
            v.value.replace("#", "/").rpartition("/")[2].lower()
            for name in (f"{ELM}schemeId", f"{ELM}schemeName")
            for v in says.get(name, ())
            if isinstance(v, Literal | NamedNode)
        ]
        kinds = {v.value for v in says.get(f"{RDF}type", ()) if isinstance(v, NamedNode)}
        scheme = next((_SCHEMES[name] for name in names if name in _SCHEMES), None)
        scheme = scheme or ("orgreg" if f"{QL}OrgRegIdentifier" in kinds else None)
        scheme = scheme or ("schac" if f"{QL}SchacIdentifier" in kinds else None)
        if any(self._is_own_iri(code) for code in codes):
            return True
        if scheme and codes:
            return (self._orgreg if scheme == "orgreg" else self._schac) in codes
        return None

    def _codes(self) -> tuple[str, ...]:
        return (self._orgreg, self._schac)

    def _is_own_iri(self, iri: str) -> bool:
        if _plain(iri) in self._iris:
            return True
        lower = iri.lower()
        return any(lower == prefix + self._schac for prefix in _SCHAC_URNS)

    def _addresses(self, value: Node | Literal) -> list[str]:
        """The addresses that a home page has."""
        if isinstance(value, Literal):
            return [value.value]
        content = [
            v.value
            for p, v in self._description.get(value, ())
            if p.value == f"{ELM}contentUrl" and isinstance(v, NamedNode | Literal)
        ]
        return content or ([value.value] if isinstance(value, NamedNode) else [])

    def _is_on_own_domain(self, node: Node) -> bool:
        host = (urlsplit(node.value).hostname or "") if isinstance(node, NamedNode) else ""
        return any(host == own or host.endswith(f".{own}") for own in self._hosts)


def _by_property(statements: Sequence[tuple[NamedNode, Node | Literal]]) -> dict[str, list[Node | Literal]]:
    out: dict[str, list[Node | Literal]] = {}
    for predicate, value in statements:
        out.setdefault(predicate.value, []).append(value)
    return out


def _plain(address: str) -> str:
    """An address without what is written in several ways: scheme, www, slash at the end, case of the host."""
    scheme, colon, rest = address.strip().partition("://")
    if not colon or scheme.lower() not in ("http", "https"):
        return address.strip()
    host, slash, path = rest.partition("/")
    return host.lower().removeprefix("www.") + (slash + path).rstrip("/")

"""Brings what RDF files say in several ways to one: terms of ELM 3.3, concepts, texts with languages, nodes.

Which properties want what is said in the mapping folder's `rdf.toml`.

Source: profile 0.4.0 (§2 normalisation rule); crosswalk G1, value tables.
"""

from collections.abc import Collection, Sequence

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.concepts import read_concept
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.namespaces import ELM, ELM_OLD, PREFIXES, RDF, SOURCE, XSD

_OLD_PROFILES = "http://data.europa.eu/snb/model/ap/"
_PROFILES = "http://data.europa.eu/snb/model/application-profile/"
DRAFTS = ("http://data.europa.eu/snb/model#", "https://data.europa.eu/snb/model#")
_MISSPELT = {f"{ELM}nationalID": f"{ELM}nationalId", f"{ELM}contentURL": f"{ELM}contentUrl"}  # keys of JSON-LD as terms
_UNDETERMINED = "und"  # BCP 47, for texts whose language is unknown


def normalise_iri(iri: str) -> str:
    """Rewrite an IRI of ELM 3.0 to 3.2 to ELM 3.3; others stay. Source: profile 0.4.0, normalisation rule."""
    if not iri.startswith(("http://data.europa.eu/snb/model", "https://data.europa.eu/snb/model")):
        return iri
    plain = "http://" + iri.partition("://")[2]
    if plain.startswith(ELM_OLD) or plain == ELM_OLD[:-1]:
        plain = ELM + plain[len(ELM_OLD) :] if plain != ELM_OLD[:-1] else ELM[:-1]
    elif plain.startswith(_OLD_PROFILES):
        return _PROFILES + plain[len(_OLD_PROFILES) :]
    else:
        for draft in DRAFTS:
            if iri.startswith(draft):
                plain = ELM + iri[len(draft) :]
    plain = _MISSPELT.get(plain, plain)
    return plain if plain.startswith((ELM, _PROFILES)) or plain == ELM[:-1] else iri


def compact(iri: str) -> str:
    """Write an IRI with its prefix, for reports; a key of JSON that no context defines as it is."""
    if iri.startswith(SOURCE):
        return iri[len(SOURCE) :]
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


class Former:
    """Brings the triples of one file to their forms.

    Args:
        spec: what the mapping says.
        terms: the local names that ELM has.
        account: takes what is to be told.
        language: BCP 47 tag of texts that carry none; None: `und`.

    Attributes:
        made: nodes that are not in the file.
    """

    def __init__(self, spec: RdfSpec, terms: frozenset[str], account: Account, language: str | None) -> None:
        self._spec = spec
        self._terms = terms
        self._account = account
        self._language = language or _UNDETERMINED
        self._iris: dict[str, NamedNode | BlankNode] = {}
        self.made: set[BlankNode] = set()

    def form(self, triples: Sequence[Triple]) -> list[Triple]:
        """Return the triples, in their order, with what stands for values that became nodes."""
        triples = [self._normalise(triple) for triple in triples]
        described = {triple.subject for triple in triples}
        out: list[Triple] = []
        whole: dict[tuple[object, str], BlankNode] = {}
        for triple in triples:
            predicate, value = triple.predicate.value, triple.object
            if predicate in self._spec.nodes and self._is_bare(predicate, value, described):
                out += self._wrap(triple, whole)
            elif predicate in self._spec.concepts and isinstance(value, NamedNode | Literal):
                out.append(self._concept(triple, value))
            elif predicate in self._spec.texts and isinstance(value, Literal):
                out.append(self._text(triple, value))
            else:
                out.append(triple)
        return out

    # Terms -------------------------------------------------------------------------------------------------------

    def _normalise(self, triple: Triple) -> Triple:
        subject, predicate, value = triple.subject, triple.predicate, triple.object
        formed = self._term(subject) if isinstance(subject, NamedNode) else subject
        property_ = self._predicate(predicate)
        target = self._term(value) if isinstance(value, NamedNode) else value
        if formed == subject and property_ == predicate and target == value:  # nearly always
            return triple
        return Triple(formed, property_, target)

    def _predicate(self, node: NamedNode) -> NamedNode:
        found = self._term(node)
        return found if isinstance(found, NamedNode) else node

    def _term(self, node: NamedNode) -> NamedNode | BlankNode:
        found = self._iris.get(node.value)
        if found is None and node.value.startswith(self._spec.local):
            found = self._iris[node.value] = BlankNode()
        if found is None:
            iri = normalise_iri(node.value)
            found = self._iris[node.value] = node if iri == node.value else NamedNode(iri)
            if iri.startswith(ELM) and iri[len(ELM) :] not in self._terms:
                self._account.report(
                    "unknown-elm-term", "A term in ELM's namespace is not in ELM 3.3; it is kept.", value=iri
                )
            if iri != node.value and node.value.startswith((*DRAFTS, "https:")):
                self._account.report(
                    "draft-namespace", "Terms of an ELM draft are taken for those of ELM 3.3.", value=node.value
                )
            if iri.startswith("file:"):
                self._account.report(
                    "relative-iri",
                    "A relative IRI became the place of the file on this computer: give the file a base on the web.",
                    value=iri,
                )
        return found

    # Values ------------------------------------------------------------------------------------------------------

    def _concept(self, triple: Triple, value: NamedNode | Literal) -> Triple:
        vocabulary = self._spec.concepts[triple.predicate.value]
        concept = read_concept(vocabulary, value)
        if concept is None:
            if isinstance(value, Literal):  # an unknown IRI is left to validation: another list may know it
                self._account.report(
                    "unmapped-value",
                    f"No concept of the vocabulary '{vocabulary}' has this code or name; it stays as it is.",
                    field=compact(triple.predicate.value),
                    value=value.value,
                    record=triple.subject.value if isinstance(triple.subject, NamedNode) else None,
                )
            return triple
        if isinstance(value, Literal) and concept.value.endswith(f"/0{value.value.strip()}"):
            self._account.report(
                "padded-value",
                "A code lost its leading zero, which is put back. Ask the provider to write codes as text.",
                field=compact(triple.predicate.value),
                value=value.value,
            )
        return triple if concept == value else Triple(triple.subject, triple.predicate, concept)

    def _text(self, triple: Triple, value: Literal) -> Triple:
        if value.language or value.datatype.value != f"{XSD}string":
            return triple
        self._account.report(
            "text-without-language",
            f"A text carries no language; it is kept as '{self._language}'. Ask the provider to state it, or set "
            "default_language for the source.",
            field=compact(triple.predicate.value),
            value=value.value,
        )
        return Triple(triple.subject, triple.predicate, Literal(value.value, language=self._language))

    def _is_bare(self, predicate: str, value: object, described: Collection[object]) -> bool:
        if isinstance(value, Literal):
            return True
        return self._spec.nodes[predicate].address and isinstance(value, NamedNode) and value not in described

    def _wrap(self, triple: Triple, whole: dict[tuple[object, str], BlankNode]) -> list[Triple]:
        """Put a bare value into a node of its own."""
        spec = self._spec.nodes[triple.predicate.value]
        key = (triple.subject, triple.predicate.value)
        value = triple.object
        if isinstance(value, NamedNode):
            value = Literal(value.value)
        held = Triple(BlankNode(), NamedNode(spec.value), value)
        if spec.value in self._spec.texts and isinstance(value, Literal):
            held = self._text(held, value)
        known = whole.get(key) if spec.whole else None
        node = known or BlankNode()
        self.made.add(node)
        out = [Triple(node, held.predicate, held.object)]
        if known is None:
            whole[key] = node
            out = [
                Triple(triple.subject, triple.predicate, node),
                Triple(node, NamedNode(f"{RDF}type"), NamedNode(spec.type)),
                *out,
            ]
        return out

"""Brings what RDF files say in several ways to one: terms of ELM 3.3, concepts, texts with languages, nodes.

Which properties want what is said in the mapping folder's `rdf.toml`.

Source: profile 0.4.0 (§2 normalisation rule); crosswalk G1, value tables.
"""

from collections.abc import Collection, Sequence

from pyoxigraph import Literal

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.concepts import find_concept
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.mapping.rdf_terms import Node, Triple, is_iri, new_blank, read_value
from qlink_ld.namespaces import ELM, ELM_OLD, PREFIXES, RDF, SOURCE
from qlink_ld.ntriples import write_literal

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
        self._nodes: dict[Node, Node] = {}
        self._predicates: dict[str, str] = {}
        self.made: set[Node] = set()

    def form(self, triples: Sequence[Triple]) -> list[Triple]:
        """Return the triples, in their order, with what stands for values that became nodes."""
        triples = self._normalise(triples)
        described = {subject for subject, _, _ in triples}
        out: list[Triple] = []
        whole: dict[tuple[Node, str], Node] = {}
        nodes, concepts, texts = self._spec.nodes, self._spec.concepts, self._spec.texts
        special = nodes.keys() | concepts.keys() | texts
        for triple in triples:
            predicate = triple[1]
            if predicate not in special:
                out.append(triple)
                continue
            value = triple[2]
            if predicate in nodes and self._is_bare(predicate, value, described):
                out += self._wrap(triple, whole)
            elif predicate in concepts and value[0] != "_":
                out.append(self._concept(triple))
            elif predicate in texts and value[-1] == '"':
                out.append(self._text(triple))
            else:
                out.append(triple)
        return out

    # Terms -------------------------------------------------------------------------------------------------------

    def _normalise(self, triples: Sequence[Triple]) -> list[Triple]:
        nodes, predicates = self._nodes, self._predicates
        out: list[Triple] = []
        for triple in triples:
            subject, predicate, value = triple
            formed = nodes[subject] if subject in nodes else self._add(subject)
            property_ = predicates[predicate] if predicate in predicates else self._add_predicate(predicate)
            target = value if value[0] == '"' else nodes[value] if value in nodes else self._add(value)
            if formed is subject and property_ is predicate and target is value:  # nearly always
                out.append(triple)
            else:
                out.append((formed, property_, target))
        return out

    def _add(self, node: Node) -> Node:
        found = node
        if is_iri(node):
            iri = node[1:-1]
            if iri.startswith(self._spec.local):
                found = new_blank()
            elif (formed := self._term(iri)) != iri:
                found = f"<{formed}>"
        self._nodes[node] = found
        return found

    def _add_predicate(self, iri: str) -> str:
        found = self._predicates[iri] = self._term(iri)
        return found

    def _term(self, stated: str) -> str:
        iri = normalise_iri(stated)
        if iri.startswith(ELM) and iri[len(ELM) :] not in self._terms:
            self._account.report(
                "unknown-elm-term", "A term in ELM's namespace is not in ELM 3.3; it is kept.", value=iri
            )
        if iri != stated and stated.startswith((*DRAFTS, "https:")):
            self._account.report(
                "draft-namespace", "Terms of an ELM draft are taken for those of ELM 3.3.", value=stated
            )
        if iri.startswith("file:"):
            self._account.report(
                "relative-iri",
                "A relative IRI became the place of the file on this computer: give the file a base on the web.",
                value=iri,
            )
        return iri

    # Values ------------------------------------------------------------------------------------------------------

    def _concept(self, triple: Triple) -> Triple:
        subject, predicate, value = triple
        vocabulary = self._spec.concepts[predicate]
        text = read_value(value)
        concept = find_concept(vocabulary, text, is_iri=is_iri(value))
        if concept is None:
            if not is_iri(value):  # an unknown IRI is left to validation: another list may know it
                self._account.report(
                    "unmapped-value",
                    f"No concept of the vocabulary '{vocabulary}' has this code or name; it stays as it is.",
                    field=compact(predicate),
                    value=text,
                    record=subject[1:-1] if is_iri(subject) else None,
                )
            return triple
        if is_iri(value):
            return triple if concept == text else (subject, predicate, f"<{concept}>")
        if concept.endswith(f"/0{text.strip()}"):
            self._account.report(
                "padded-value",
                "A code lost its leading zero, which is put back. Ask the provider to write codes as text.",
                field=compact(predicate),
                value=text,
            )
        return subject, predicate, f"<{concept}>"

    def _text(self, triple: Triple) -> Triple:
        """Give a text without language the one that is taken for it."""
        subject, predicate, value = triple
        if value[-1] != '"':
            return triple
        self._account.report(
            "text-without-language",
            f"A text carries no language; it is kept as '{self._language}'. Ask the provider to state it, or set "
            "default_language for the source.",
            field=compact(predicate),
            value=read_value(value),
        )
        return subject, predicate, f"{value}@{Literal('', language=self._language).language}"

    def _is_bare(self, predicate: str, value: str, described: Collection[str]) -> bool:
        if value[0] == '"':
            return True
        return self._spec.nodes[predicate].address and is_iri(value) and value not in described

    def _wrap(self, triple: Triple, whole: dict[tuple[Node, str], Node]) -> list[Triple]:
        """Put a bare value into a node of its own."""
        subject, predicate, value = triple
        spec = self._spec.nodes[predicate]
        if is_iri(value):
            value = write_literal(value[1:-1])
        known = whole.get((subject, predicate)) if spec.whole else None
        node = known or new_blank()
        self.made.add(node)
        held = (node, spec.value, value)
        out = [self._text(held) if spec.value in self._spec.texts else held]
        if known is None:
            whole[subject, predicate] = node
            out = [(subject, predicate, node), (node, f"{RDF}type", f"<{spec.type}>"), *out]
        return out

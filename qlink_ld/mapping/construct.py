"""Runs CONSTRUCT rules over the triples of a batch of records, with pyoxigraph.

A rule is loaded with the predicates that it reads, found by parsing it. A batch's store holds only triples that some
rule can read, and a rule whose required predicate is not in the batch is not run: most rules serve rare cases.

Source: SPARQL 1.1 Query §16.2 (CONSTRUCT).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as File
from typing import Any, cast

from pyoxigraph import NamedNode, QueryTriples, RdfFormat, Store
from rdflib.paths import NegatedPath, Path
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Node, URIRef, Variable

from qlink_ld.errors import BrokenMapping
from qlink_ld.namespaces import PREFIXES
from qlink_ld.ntriples import write_literal
from qlink_ld.resources import find_resource_dir
from qlink_ld.vocabularies import load_vocabulary

VOCABULARY = "urn:qlink-ld:vocabulary:"  # GRAPH <urn:qlink-ld:vocabulary:language> in a rule reads that SKOS file
_LABEL = f"{PREFIXES['skos']}prefLabel"
_LINES = re.compile(r"[^\n]*\n").findall  # not splitlines: texts hold other kinds of line ends
RUN = "urn:qlink-ld:run"  # the node that holds what is true for the whole batch: institution, day of the harvest


@dataclass(frozen=True, slots=True)
class Rule:
    """One CONSTRUCT query.

    `reads`: predicates of its patterns, None if it reads any; `needs`: predicates without which it finds nothing;
    `makes`: predicates that it constructs, None if one is a variable.
    """

    name: str
    file: File
    text: str
    reads: frozenset[str] | None
    needs: frozenset[str]
    vocabularies: tuple[str, ...]
    makes: frozenset[str] | None = None


def load_rules(files: Iterable[File]) -> tuple[Rule, ...]:
    """Read and check rule files, in the order given.

    Raises:
        BrokenMapping: not a CONSTRUCT query; names the file and the parser's position.
    """
    return tuple(_load_rule(file) for file in files)


@lru_cache(maxsize=512)
def parse_rule(text: str) -> Any:  # noqa: ANN401 (rdflib's algebra)
    """Return the algebra of a query; several mappings share rules, and lineage reads them too."""
    return prepareQuery(text, initNs={}).algebra


def _load_rule(file: File) -> Rule:
    try:
        text = file.read_text(encoding="utf-8")
        algebra = parse_rule(text)
        Store().query(text)
    except OSError as error:
        raise BrokenMapping(f"{file}: cannot read this rule: {error.strerror}") from error
    except Exception as error:  # rdflib raises pyparsing's errors, ValueError and Exception; pyoxigraph SyntaxError
        raise BrokenMapping(f"{file}: not a SPARQL query that can be run: {error}") from error
    if algebra.name != "ConstructQuery":
        raise BrokenMapping(f"{file}: a rule must be a CONSTRUCT query")
    reads: set[str] = set()
    free = _collect(algebra.p, reads)
    vocabularies = tuple(sorted(set(_vocabularies(text))))
    return Rule(
        file.stem,
        file,
        text,
        None if free else frozenset(reads),
        _required(algebra.p),
        vocabularies,
        _made(algebra.template),
    )


def _vocabularies(text: str) -> Iterable[str]:
    for part in text.split(f"<{VOCABULARY}")[1:]:
        yield part.split(">", 1)[0]


def _made(template: Iterable[tuple[Node, Node, Node]] | None) -> frozenset[str] | None:
    """Predicates of a template; the short form without one (`CONSTRUCT WHERE`) makes what it reads."""
    predicates = [predicate for _, predicate, _ in template or ()]
    if not predicates or not all(isinstance(predicate, URIRef) for predicate in predicates):
        return None
    return frozenset(map(str, predicates))


def _collect(part: Any, reads: set[str]) -> bool:  # noqa: ANN401 (rdflib's algebra)
    """Gather all IRIs of the patterns, which include the predicates; True if a predicate is a variable."""
    if isinstance(part, URIRef):
        reads.add(str(part))
    elif isinstance(part, CompValue):
        if isinstance(part.get("term"), URIRef) and part.term.startswith(VOCABULARY):
            return False  # patterns on a vocabulary's own graph
        free = [_collect(value, reads) for key, value in part.items() if key != "_vars"]
        return any(free) or _has_free_predicate(part.get("triples") or ())
    elif isinstance(part, NegatedPath):
        return True  # every predicate but these
    elif isinstance(part, Path):
        free = [_collect(value, reads) for value in vars(part).values()]
        return any(free)
    elif isinstance(part, Iterable) and not isinstance(part, Node | str):
        free = [_collect(value, reads) for value in part]
        return any(free)
    return False


def _has_free_predicate(triples: Iterable[Any]) -> bool:
    """Triples come as (s, p, o) or, inside EXISTS, as flat lists of s, p, o, s, p, o."""
    parts = list(triples)
    if all(isinstance(part, Node | Path) for part in parts):
        return any(isinstance(part, Variable) for part in parts[1::3])
    return any(_has_free_predicate(part) for part in parts if isinstance(part, list | tuple))


def _required(part: Any) -> frozenset[str]:  # noqa: ANN401 (rdflib's algebra)
    """Predicates that every solution needs: those of basic graph patterns outside of OPTIONAL, UNION and MINUS."""
    if not isinstance(part, CompValue):
        return frozenset()
    if part.name == "BGP":
        return frozenset(str(p) for _, p, _ in part.triples if isinstance(p, URIRef))
    if part.name == "Join":
        return _required(part.p1) | _required(part.p2)
    if part.name in ("LeftJoin", "Minus"):
        return _required(part.p1)
    if part.name in ("Filter", "Extend", "Project", "Distinct", "ToMultiSet", "OrderBy"):
        return _required(part.p)
    return frozenset()


class RuleRunner:
    """Runs a mapping's rules, then the common ones, over batches."""

    def __init__(self, rules: Sequence[Rule], common: Sequence[Rule]) -> None:
        self._passes = [tuple(rules), tuple(common)]
        self.reads = _union(self._passes)
        # What the passes after each read.
        self._later = [_union(self._passes[number + 1 :]) for number in range(len(self._passes))]

    def reads_predicate(self, predicate: str) -> bool:
        """True if some rule can read triples with this predicate."""
        return self.reads is None or predicate in self.reads

    def run(self, triples: Mapping[str, Sequence[str]]) -> list[str]:
        """Return what the rules construct.

        Only those triples are loaded that some rule reads which has all it needs.

        Args:
            triples: predicate → N-Triples lines of the batch, those that `reads_predicate` admits.

        Returns:
            N-Triples lines, in no particular order, possibly repeated.

        Raises:
            BrokenMapping: a rule failed; names its file.
        """
        store = Store()
        waiting: dict[str, list[str]] = {predicate: list(lines) for predicate, lines in triples.items()}
        present = set(waiting)
        vocabularies: set[str] = set()
        out: list[str] = []
        for number, rules in enumerate(self._passes):
            runnable = [rule for rule in rules if rule.needs <= present]
            _load(store, waiting, runnable)
            for rule in runnable:
                _load_vocabularies(store, rule, vocabularies)
                made = _run_rule(rule, store)
                out += made
                self._feed(rule, made, number, waiting, present)
        return out

    def _feed(self, rule: Rule, made: list[str], number: int, waiting: dict[str, list[str]], present: set[str]) -> None:
        """Let the next passes see what a rule made, if they read that."""
        later = self._later[number]
        if later is not None and rule.makes is not None and later.isdisjoint(rule.makes):
            return
        for line in made:
            predicate = line.split(" ", 2)[1][1:-1]
            if self.reads_predicate(predicate):
                waiting.setdefault(predicate, []).append(line)
                present.add(predicate)


def _union(passes: Iterable[Iterable[Rule]]) -> frozenset[str] | None:
    """The predicates that some of these rules read; None if one reads any."""
    found: frozenset[str] = frozenset()
    for rule in (rule for rules in passes for rule in rules):
        if rule.reads is None:
            return None
        found |= rule.reads
    return found


def _load(store: Store, waiting: dict[str, list[str]], rules: Sequence[Rule]) -> None:
    """Load the triples that wait for these rules."""
    everything = any(rule.reads is None for rule in rules)
    wanted = waiting.keys() & frozenset().union(*(rule.reads or () for rule in rules))
    parts = [line for predicate in (list(waiting) if everything else wanted) for line in waiting.pop(predicate)]
    if parts:  # our own lines are valid N-Triples: nothing to be checked again
        store.load("".join(parts).encode(), format=RdfFormat.N_TRIPLES, lenient=True)


def _run_rule(rule: Rule, store: Store) -> list[str]:
    try:
        result = cast("QueryTriples", store.query(rule.text))
        data = result.serialize(format=RdfFormat.N_TRIPLES)
    except (OSError, ValueError, RuntimeError) as error:
        raise BrokenMapping(f"{rule.file}: the rule failed: {error}") from error
    text = data.decode() if data else ""
    lines = _LINES(text)
    if "_:" in text and any(part.startswith("_:") for line in lines for part in line.split(" ", 2)):
        raise BrokenMapping(f"{rule.file}: the rule makes blank nodes; give every node an IRI with BIND(IRI(…))")
    return lines


def _load_vocabularies(store: Store, rule: Rule, loaded: set[str]) -> None:
    for name in rule.vocabularies:
        labelled = _LABEL in rule.text or "skos:prefLabel" in rule.text
        if name in loaded and (not labelled or f"{name} labels" in loaded):
            continue
        loaded |= {name, f"{name} labels"} if labelled else {name}
        file = find_resource_dir("mappings") / "vocabularies" / f"{name}.ttl"
        if not file.is_file():
            raise BrokenMapping(f"{rule.file}: there is no vocabulary '{name}'")
        triples = _notations(name) + (_labels(name) if labelled else "")
        store.load(triples.encode(), format=RdfFormat.N_TRIPLES, to_graph=NamedNode(VOCABULARY + name))


@lru_cache(maxsize=32)
def _notations(name: str) -> str:
    """The vocabulary as rules see it: `concept skos:notation code`."""
    skos = PREFIXES["skos"]
    notations = load_vocabulary(name).notations
    return "".join(f"<{iri}> <{skos}notation> {write_literal(code)} .\n" for code, iri in notations.items())


@lru_cache(maxsize=32)
def _labels(name: str) -> str:
    """The labels of the vocabulary's concepts, for rules that write them: `concept skos:prefLabel label`."""
    labels = load_vocabulary(name).labels
    return "".join(
        f"<{iri}> <{_LABEL}> {write_literal(text, language or None)} .\n"
        for iri, texts in labels.items()
        for language, text in texts.items()
    )

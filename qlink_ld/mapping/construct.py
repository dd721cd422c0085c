"""Runs CONSTRUCT rules over the triples of a batch of records, with pyoxigraph.

A rule is loaded with the predicates that it reads, found by parsing it. A batch's store holds only triples that some
rule can read, and a rule whose required predicate is not in the batch is not run: most rules serve rare cases.

Source: SPARQL 1.1 Query §16.2 (CONSTRUCT).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import cast

from pyoxigraph import NamedNode, QueryTriples, RdfFormat, Store

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.rules import VOCABULARY, Rule
from qlink_ld.namespaces import PREFIXES
from qlink_ld.ntriples import write_literal
from qlink_ld.resources import find_resource_dir
from qlink_ld.vocabularies import load_vocabulary

_LABEL = f"{PREFIXES['skos']}prefLabel"
_LINES = re.compile(r"[^\n]*\n").findall  # not splitlines: texts hold other kinds of line ends
RUN = "urn:qlink-ld:run"  # the node that holds what is true for the whole batch: institution, day of the harvest


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

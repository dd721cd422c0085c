"""What does a rule read, need and make? Found once by parsing it, and remembered from run to run.

rdflib takes some 30 ms for the grammar of one query, and a mapping has dozens. What it finds depends on the text
alone, so it is kept in the user's cache folder under the text's hash; without such a folder, it is found again.
"""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path as File
from typing import Any

import orjson
import platformdirs
from pyoxigraph import Store
from rdflib.paths import NegatedPath, Path
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Node, URIRef, Variable

from qlink_ld.errors import BrokenMapping

log = logging.getLogger(__name__)

VOCABULARY = "urn:qlink-ld:vocabulary:"  # GRAPH <urn:qlink-ld:vocabulary:language> in a rule reads that SKOS file
_FORMAT = 2  # of what is remembered


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
        Store().query(text)
        found = remember("rule", text, lambda: _analyse(text))
    except OSError as error:
        raise BrokenMapping(f"{file}: cannot read this rule: {error.strerror}") from error
    except Exception as error:  # rdflib raises pyparsing's errors, ValueError and Exception; pyoxigraph SyntaxError
        raise BrokenMapping(f"{file}: not a SPARQL query that can be run: {error}") from error
    if not found["construct"]:
        raise BrokenMapping(f"{file}: a rule must be a CONSTRUCT query")
    reads, makes = found["reads"], found["makes"]
    return Rule(
        file.stem,
        file,
        text,
        None if reads is None else frozenset(reads),
        frozenset(found["needs"]),
        tuple(sorted(set(_vocabularies(text)))),
        None if makes is None else frozenset(makes),
    )


def _analyse(text: str) -> dict[str, Any]:
    """Return what the algebra of a query says, as JSON."""
    algebra = parse_rule(text)
    if algebra.name != "ConstructQuery":
        return {"construct": False}
    reads: set[str] = set()
    free = _collect(algebra.p, reads)
    makes = _made(algebra.template)
    return {
        "construct": True,
        "reads": None if free else sorted(reads),
        "needs": sorted(_required(algebra.p)),
        "makes": None if makes is None else sorted(makes),
    }


@lru_cache(maxsize=1)
def _cache_folder() -> File | None:
    folder = platformdirs.user_cache_path("qlink-ld") / f"rules-{_FORMAT}-rdflib-{version('rdflib')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.debug("what rules read is found anew in each process: %s", error)
        return None
    return folder


def remember(kind: str, text: str, find: Callable[[], Any]) -> Any:  # noqa: ANN401 (JSON)
    """Return what depends on a rule's text alone: as it was found before, else as `find` finds it now.

    Args:
        kind: what it is; a name.
        text: the rule.
        find: returns it as a JSON object.
    """
    folder = _cache_folder()
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.{kind}.json" if folder else None
    if file is not None:
        try:
            return orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            log.debug("%s is found anew", file)
    found = find()
    if file is not None:
        try:
            descriptor, name = tempfile.mkstemp(dir=file.parent)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(orjson.dumps(found))
            File(name).replace(file)
        except OSError as error:
            log.debug("%s cannot be written: %s", file, error)
    return found


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

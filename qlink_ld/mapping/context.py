"""JSON-LD contexts, compiled: what each key of a record means.

Source: JSON-LD 1.1 §4.1 (context, scoped contexts, `@nest`), JSON-LD 1.1 API §4 (context processing) and §5.2 (IRI
expansion). The compiled form covers what mappings of JSON records need: prefixes, `@vocab`, term definitions with
`@id`, `@type`, `@language`, `@reverse`, `@nest`, `@container: @set`, null terms, keyword aliases and property-scoped
contexts. A context that uses more is compiled in part: its other terms are opaque, and pyoxigraph's JSON-LD parser runs
it instead (see `lift.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.value_table import SUFFIXES, load_table
from qlink_ld.resources import find_resource_dir
from qlink_ld.vocabularies import load_vocabulary

KEYWORDS = frozenset({"@id", "@type", "@value", "@language", "@nest", "@graph", "@set", "@none"})
_TERM_MEMBERS = frozenset({"@id", "@type", "@language", "@reverse", "@nest", "@container", "@context"})
_CONTEXT_MEMBERS = frozenset({"@version", "@vocab", "@language"})


@dataclass(slots=True)
class Term:
    """What one key means: a keyword, or a property with the coercion of its values."""

    iri: str  # keyword or absolute IRI
    type: str | None = None  # "@id", "@vocab" or a datatype IRI
    language: str | None = None  # None: the context's; empty: none
    reverse: bool = False
    opaque: bool = False  # only a JSON-LD processor knows
    scoped: Any = None  # property-scoped context as JSON


@dataclass(slots=True)
class Context:
    """An active context. `terms` maps a key to its Term, or to None where the context nulls it."""

    terms: dict[str, Term | None] = field(default_factory=dict)
    vocab: str | None = None
    language: str | None = None
    prefixes: dict[str, str] = field(default_factory=dict)
    partial: bool = False  # something in it is left to a JSON-LD processor
    _implicit: dict[str, Term | None] = field(default_factory=dict)  # keys without a definition of their own
    _scopes: dict[str, "Context"] = field(default_factory=dict)

    def find_term(self, key: str) -> Term | None:
        """Return what a key means, or None if it means nothing (null term, relative without `@vocab`)."""
        if key in self.terms:
            return self.terms[key]
        if key in self._implicit:
            return self._implicit[key]
        iri = self.expand(key)
        term = Term(iri) if iri is not None and (":" in iri or iri in KEYWORDS) else None
        self._implicit[key] = term
        return term

    def expand(self, text: str) -> str | None:
        """Expand a term, compact IRI or absolute IRI; relative text is appended to `@vocab`."""
        if text in KEYWORDS:
            return text
        if text in self.terms:
            term = self.terms[text]
            return None if term is None else term.iri
        prefix, colon, suffix = text.partition(":")
        if colon:
            base = self.prefixes.get(prefix)
            return base + suffix if base is not None and not suffix.startswith("//") else text
        return None if self.vocab is None else self.vocab + text

    def scope(self, key: str) -> "Context":
        """Return the context inside the values of `key`: this one, extended by the term's scoped context."""
        scope = self._scopes.get(key)
        if scope is None:
            term = self.terms.get(key)
            scope = self if term is None or term.scoped is None else extend(self, term.scoped)
            self._scopes[key] = scope
        return scope


def compile_context(document: object) -> Context:
    """Compile a JSON-LD context (object or array of objects, references already resolved).

    It is partial if it, or a context inside it, needs a JSON-LD processor.
    """
    context = extend(Context(), document)
    context.partial = _needs_processor(context, document)
    return context


def _needs_processor(context: Context, document: object) -> bool:
    """Whether a context made from this document, or one that is scoped to one of its terms, is partial."""
    if context.partial:
        return True
    parts = document if isinstance(document, list) else [document]
    scoped = {
        key: value["@context"]
        for part in parts
        if isinstance(part, dict)
        for key, value in part.items()
        if isinstance(value, dict) and "@context" in value and not is_table(value["@context"])
    }
    return any(_needs_processor(context.scope(key), inner) for key, inner in scoped.items())


def is_table(document: object) -> bool:
    """Whether a context only names codes: each member a term for an IRI, or for none."""
    if isinstance(document, list):
        return all(is_table(part) for part in document)
    return isinstance(document, dict) and all(
        (iri is None or isinstance(iri, str)) and not code.startswith("@") for code, iri in document.items()
    )


def extend(active: Context, document: object) -> Context:
    """Return the active context extended by another one, as JSON-LD's context processing does."""
    if isinstance(document, list):
        for part in document:
            active = extend(active, part)
        return active
    if document is None:
        return Context()
    result = Context(dict(active.terms), active.vocab, active.language, dict(active.prefixes), active.partial)
    if not isinstance(document, dict):
        result.partial = True
        return result
    result.partial |= any(member.startswith("@") and member not in _CONTEXT_MEMBERS for member in document)
    if "@vocab" in document:
        result.vocab = document["@vocab"]
    if "@language" in document:
        result.language = document["@language"] and document["@language"].lower()
    definitions = {key: value for key, value in document.items() if not key.startswith("@")}
    for key in definitions:  # a definition in this context replaces the inherited one before any is expanded
        result.terms.pop(key, None)
    # Value tables, some with thousands of codes, hold nothing but absolute IRIs: nothing in them needs resolving.
    plain = {k: v for k, v in definitions.items() if isinstance(v, str) and "://" in v and v[-1] not in "/#:?"}
    result.terms.update((key, Term(iri)) for key, iri in plain.items())
    pending: set[str] = set()
    for key in definitions:
        _define(result, definitions, key, pending)
    return result


def _define(context: Context, definitions: Mapping[str, Any], key: str, pending: set[str]) -> None:
    if key in context.terms or key in pending:
        return
    pending.add(key)
    value = definitions[key]

    def resolve(text: object) -> str | None:
        if not isinstance(text, str):
            return None
        for needed in (text, text.partition(":")[0]):
            if needed in definitions and needed != key:
                _define(context, definitions, needed, pending)
        return context.expand(text) if text != key else _expand_own(context, key)

    if value is None or (isinstance(value, dict) and value.get("@id", "") is None):
        context.terms[key] = None
        return
    definition = {"@id": value} if isinstance(value, str) else value
    if not isinstance(definition, dict) or not _is_covered(definition):
        context.partial = True
        context.terms[key] = Term(key, opaque=True)
        return
    iri = resolve(definition.get("@reverse", definition.get("@id", key)))
    kind = definition.get("@type")
    is_foreign = isinstance(kind, str) and kind.startswith("@") and kind not in ("@id", "@vocab")
    kind = resolve(kind) if kind not in (None, "@id", "@vocab") and not is_foreign else kind
    if iri is None or is_foreign:
        context.partial = True
        context.terms[key] = Term(key, opaque=True)
        return
    language = (definition["@language"] or "").lower() if "@language" in definition else None
    scoped = definition.get("@context")
    context.terms[key] = Term(iri, kind, language, "@reverse" in definition, scoped=scoped)
    if isinstance(value, str) and iri[-1] in "/#:?" and iri not in KEYWORDS:
        context.prefixes[key] = iri


def _is_covered(definition: Mapping[str, Any]) -> bool:
    """Whether the compiled form knows everything in a term definition."""
    return (
        _TERM_MEMBERS.issuperset(definition)
        and definition.get("@container") in (None, "@set")
        and definition.get("@nest") in (None, "@nest")
    )


def _expand_own(context: Context, key: str) -> str | None:
    prefix, colon, suffix = key.partition(":")
    if colon:
        return context.prefixes[prefix] + suffix if prefix in context.prefixes else key
    return None if context.vocab is None else context.vocab + key


def load_context(file: Path) -> Any:  # noqa: ANN401 (JSON)
    """Read a context file and put every context that it refers to in place of the reference.

    A reference is a path relative to the file. One that names a folder `vocabularies/` and a vocabulary
    (`../vocabularies/language`) stands for the codes of that SKOS file: each notation is a term for its concept. So
    does a table of the folder's own, `tables/levels.csv` or `.ttl`. What is bundled is found from everywhere.

    Raises:
        BrokenMapping: not JSON, no `@context`, or a reference that leads nowhere.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BrokenMapping(f"{file}: cannot read this JSON-LD context: {error.strerror}") from error
    except ValueError as error:
        raise BrokenMapping(f"{file}: not JSON: {error}") from error
    if not isinstance(document, dict) or "@context" not in document:
        raise BrokenMapping(f"{file}: has no '@context' member; write {{\"@context\": {{…}}}}")
    return _resolve(document["@context"], file)


def _resolve(context: object, file: Path) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(context, list):
        parts = [_resolve(part, file) for part in context]
        return [inner for part in parts for inner in (part if isinstance(part, list) else [part])]  # never nested
    if isinstance(context, str):
        return _follow(context, file)
    if isinstance(context, dict):
        return {
            key: {**value, "@context": _resolve(value["@context"], file)}
            if isinstance(value, dict) and "@context" in value
            else value
            for key, value in context.items()
        }
    return context


def _follow(reference: str, file: Path) -> Any:  # noqa: ANN401 (JSON)
    if "://" in reference:
        raise BrokenMapping(f"{file}: the context {reference} is remote; contexts are never fetched: put it beside")
    target = (file.parent / reference).resolve()
    if target.suffix in SUFFIXES:
        return load_table(target)
    if target.parent.name == "vocabularies":
        try:
            return dict(load_vocabulary(target.name).notations)
        except FileNotFoundError as error:
            raise BrokenMapping(f"{file}: there is no vocabulary '{target.name}'") from error
    bundled = find_resource_dir("mappings") / "common" / target.name
    if target.parent.name == "common" and not target.is_file() and bundled.is_file():
        target = bundled  # as `../common/text.jsonld` means it in the bundled folders, wherever this one is
    return load_context(target)

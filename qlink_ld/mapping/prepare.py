"""Prepares a record of JSON for its context: identities, clean values, every leaf accounted for.

What JSON-LD cannot do itself happens here, as `mapping.toml` declares it: nested values that are nodes in ELM get an
IRI (the record's IRI, `#` and their path) and a class, ids of other records become references, children hang below
their parents. What JSON-LD does badly is prevented: nulls, unknown codes, invalid language tags and IRIs, which
processors drop without a word or refuse the whole document for, are taken out and reported. The result is plain JSON-LD
that any processor lifts to the same triples.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.account import Account, Counter
from qlink_ld.mapping.context import Context, Term
from qlink_ld.mapping.folder import MappingFolder, NodeSpec, ReferenceSpec, ResourceSpec
from qlink_ld.mapping.values import DAY_END_READERS, READERS, read_iri, read_language
from qlink_ld.namespaces import SOURCE, XSD, encode_segment

JsonObject = dict[str, Any]
MAX_DEPTH = 32  # no format nests a fifth as deep; deeper is an attack or a mistake
_UNDETERMINED = "und"  # BCP 47, for texts whose language is unknown


class Kind(Enum):
    """What a key's values are."""

    IGNORED = auto()
    UNMAPPED = auto()
    TEXT = auto()  # {language, value}, or a list of them
    NODE = auto()
    SCALAR = auto()
    TYPED = auto()
    CODE = auto()  # looked up in a value table
    IRI = auto()
    REFERENCE = auto()
    NEST = auto()


class Step:
    """What to do with one key; made once, used for every record."""

    __slots__ = (
        "codes",
        "counter",
        "held",
        "key",
        "kind",
        "language_key",
        "read",
        "reference",
        "spec",
        "steps",
        "term",
        "value_key",
    )

    def __init__(self, key: str, kind: Kind, counter: Counter, term: Term | None = None) -> None:
        self.key = key
        self.kind = kind
        self.counter = counter
        self.term = term
        self.held = term is not None and term.iri.startswith(SOURCE)
        self.spec: NodeSpec | None = None
        self.steps: Steps | None = None
        self.codes: dict[str, Any] = {}
        self.read: Callable[[object], str | None] | None = None
        self.reference: ReferenceSpec | None = None
        self.language_key = ""
        self.value_key = ""


class Steps(dict[str, Step]):
    """The steps of one kind of node: key → step, made when a key is first met."""

    def __init__(self, preparer: "Preparer", context: Context, path: str, *, held: bool = False) -> None:
        super().__init__()
        self.preparer = preparer
        self.context = context
        self.path = path
        self.held = held

    def __missing__(self, key: str) -> Step:
        step = self[key] = self.preparer.make_step(self, key)
        return step


class Preparer:
    """Prepares the records of one resource.

    Args:
        mapping, resource: what the mapping folder says.
        context: the resource's compiled context; it decides which keys have a meaning.
        account: where leaves are counted and issues reported.
        is_read: whether some rule reads triples with a predicate.
        institution_iri: the institution whose source this is.
        reference_iri: mints the IRI of another learning opportunity from its resource and id.
        default_language: BCP 47 tag of texts that carry none.
    """

    def __init__(
        self,
        mapping: MappingFolder,
        resource: ResourceSpec,
        context: Context,
        account: Account,
        is_read: Callable[[str], bool],
        institution_iri: str,
        reference_iri: Callable[[str, str], str],
        default_language: str | None,
    ) -> None:
        self.mapping = mapping
        self.resource = resource
        self.account = account
        self._is_read = is_read
        self._institution = institution_iri
        self._reference_iri = reference_iri
        self._language = default_language
        self._nodes = {**mapping.nodes, **resource.nodes}
        self._gathered = {
            member: key for key, spec in self._nodes.items() if spec is not None for member in spec.members
        }
        self.steps = Steps(self, context, "")
        self.record = ""

    # Making steps -----------------------------------------------------------------------------------------------

    def scope_steps(self, steps: Steps, key: str) -> Steps:
        """Return the steps inside the values of `key`."""
        path = f"{steps.path}{key}."
        return Steps(self, steps.context.scope(key), path, held=steps.held)

    def make_step(self, steps: Steps, key: str) -> Step:
        """Decide what the values of a key are. See the module's docstring."""
        path = f"{steps.path}{key}"
        reason = self._find_reason(path, key)
        if reason is not None:
            return Step(key, Kind.IGNORED, self.account.open(self.resource.name, path, "ignored", reason))
        term = steps.context.find_term(key)
        spec = self._nodes.get(key) if not steps.held else None
        foreign = key not in steps.context.terms and (":" in key or key.startswith("@"))  # never JSON-LD by accident
        if foreign or term is None or (term.iri.startswith(SOURCE) and not self._is_read(term.iri)):
            return Step(key, Kind.UNMAPPED, self.account.open(self.resource.name, path, "unmapped"))
        step = Step(key, Kind.SCALAR, self.account.open(self.resource.name, path, "mapped"), term)
        step.held = step.held or steps.held
        scope = steps.context.scope(key)
        aliases = {t.iri: k for k, t in scope.terms.items() if t is not None and t.iri in ("@value", "@language")}
        if key in self.mapping.references and not steps.held:
            step.kind = Kind.REFERENCE
            step.reference = self.mapping.references[key]
        elif term.iri == "@nest":
            step.kind = Kind.NEST
        elif spec is not None:
            step.kind = Kind.NODE
            step.spec = spec
        elif term.scoped is not None and "@value" in aliases and term.type is None:
            step.kind = Kind.TEXT
            step.value_key = aliases["@value"]
            step.language_key = aliases.get("@language", "@language")
        elif term.type == "@vocab":
            step.kind = Kind.CODE
            step.codes = _table(term.scoped)
        elif term.type == "@id":
            step.kind = Kind.IRI
        elif term.type is not None:
            step.kind = Kind.TYPED
            readers = DAY_END_READERS if key in self.mapping.day_end else READERS
            step.read = readers.get(term.type) or READERS.get(term.type) or READERS[f"{XSD}string"]
        step.steps = Steps(self, scope, f"{path}.", held=step.held)
        return step

    def _find_reason(self, path: str, key: str) -> str | None:
        ignore = self.mapping.ignore
        return ignore.get(f"{self.resource.name}.{path}") or ignore.get(path) or ignore.get(key)

    # Preparing --------------------------------------------------------------------------------------------------

    def prepare(self, record: JsonObject, iri: str, steps: Steps | None = None) -> JsonObject:
        """Return the record as plain JSON-LD.

        Raises:
            UnreadableData: it is nested deeper than `MAX_DEPTH`.
        """
        self.record = iri
        return self._node(record, iri, f"{iri}#", steps if steps is not None else self.steps, 0)

    def _node(
        self, node: JsonObject, iri: str, base: str, steps: Steps, depth: int, *, gather: bool = True
    ) -> JsonObject:
        """Prepare the members of a node; `base` starts the IRIs of nodes inside it."""
        if depth > MAX_DEPTH:
            raise UnreadableData(f"nested deeper than {MAX_DEPTH} levels")
        out: JsonObject = {"@id": iri}
        gathered: dict[str, JsonObject] = {}
        for key, value in node.items():
            if value is None or value == []:
                continue
            if gather and key in self._gathered and not steps.held and self._gathered[key] in steps.context.terms:
                gathered.setdefault(self._gathered[key], {})[key] = value
                continue
            self._member(out, key, value, base, steps, depth)
        for key, value in gathered.items():
            self._member(out, key, value, base, steps, depth, gathered=True)
        return out

    def _member(
        self,
        out: JsonObject,
        key: str,
        value: Any,  # noqa: ANN401 (JSON)
        base: str,
        steps: Steps,
        depth: int,
        *,
        gathered: bool = False,
    ) -> None:
        step = steps[key]
        kind = step.kind
        if kind is Kind.TEXT:
            texts = self._texts(value, step)
            if texts:
                out[key] = texts
        elif kind is Kind.CODE:
            self._codes(out, key, value, step)
        elif kind is Kind.TYPED:
            self._typed(out, key, value, step)
        elif kind is Kind.NODE and step.spec is not None and step.steps is not None:
            out[key] = self._nodes_of(key, value, base, step, depth, gathered=gathered)
        elif kind is Kind.SCALAR:
            self._scalar(out, key, value, base, step, depth)
        elif kind is Kind.REFERENCE:
            out[key] = self._references(key, value, base, step)
        elif kind is Kind.IGNORED or kind is Kind.UNMAPPED:
            count, example = _leaves(value)
            if count:
                step.counter.add(example, count)
        elif kind is Kind.IRI:
            self._iris(out, key, value, step)
        elif isinstance(value, dict) and step.steps is not None:  # NEST
            inner = self._node(value, "", base, step.steps, depth + 1)
            del inner["@id"]
            out[key] = inner
        else:
            self._drop(step, value, "not an object")

    def _texts(self, value: Any, step: Step) -> list[JsonObject]:  # noqa: ANN401 (JSON)
        out = []
        for entry in value if isinstance(value, list) else (value,):
            if isinstance(entry, dict):
                text = entry.get(step.value_key)
                tag = entry.get(step.language_key)
            else:
                text, tag = entry, None
            if isinstance(text, bool | int | float):
                text = str(text)
            if not isinstance(text, str) or not text.strip():
                if text is not None and not isinstance(text, str):
                    self._drop(step, text, "not a text")
                continue
            language = read_language(tag) if isinstance(tag, str) else None
            if language is None:
                language = self._language or _UNDETERMINED
                if isinstance(entry, dict):
                    self._report_language(step, tag, text)
            step.counter.add(text)
            out.append({step.value_key: text, step.language_key: language})
        return out

    def _report_language(self, step: Step, tag: object, text: str) -> None:
        found = f"carries the language tag {tag!r}, which is none" if tag else "carries no language"
        self.account.report(
            "text-without-language",
            f"A text in '{step.counter.path}' {found}; it is kept as '{self._language or _UNDETERMINED}'. "
            "Give a BCP 47 tag such as 'en' or 'nl'.",
            field=f"{self.resource.name}.{step.counter.path}",
            value=text,
            record=self.record,
        )

    def _codes(self, out: JsonObject, key: str, value: Any, step: Step) -> None:  # noqa: ANN401 (JSON)
        known = []
        for code in value if isinstance(value, list) else (value,):
            if code is None:
                continue
            text = code if isinstance(code, str) else str(code)
            if text in step.codes:
                step.counter.add(text)
                known.append(text)
            elif isinstance(code, dict | list):
                self._drop(step, code, "not a code")
            elif self._is_read(SOURCE + key):  # a rule knows what to do with codes written in another form
                step.counter.add(text)
                out.setdefault(SOURCE + key, []).append(text)
            else:
                self._drop(step, text, "unknown code")
                self.account.report(
                    "unmapped-value",
                    f"'{step.counter.path}' has a value that the mapping does not know; it is left out.",
                    field=f"{self.resource.name}.{step.counter.path}",
                    value=text,
                    record=self.record,
                )
        if known:
            out[key] = known if len(known) > 1 else known[0]

    def _typed(self, out: JsonObject, key: str, value: Any, step: Step) -> None:  # noqa: ANN401 (JSON)
        good = []
        read = step.read
        for item in value if isinstance(value, list) else (value,):
            if item is None or item == "" or read is None:
                continue
            text = read(item)
            if text is None:
                name = (step.term.type or "").rpartition("#")[2] if step.term else ""
                self._drop(step, item, f"not a value of type {name}")
                self.account.report(
                    "invalid-value",
                    f"'{step.counter.path}' holds something that cannot be read as {name}; it is left out.",
                    field=f"{self.resource.name}.{step.counter.path}",
                    value=item,
                    record=self.record,
                )
                continue
            step.counter.add(text)
            good.append(text)
        if good:
            out[key] = good if len(good) > 1 else good[0]

    def _scalar(
        self,
        out: JsonObject,
        key: str,
        value: Any,  # noqa: ANN401 (JSON)
        base: str,
        step: Step,
        depth: int,
    ) -> None:
        """Plain values, and objects that no [nodes] entry names: nodes without a class."""
        good: list[Any] = []
        many = isinstance(value, list)
        for index, item in enumerate(value if many else (value,)):
            if isinstance(item, dict):
                iri, inner = self._node_iri(base, f"{key}-{index}" if many else key, held=step.held)
                if step.steps is not None:
                    good.append(self._node(item, iri, inner, step.steps, depth + 1))
            elif isinstance(item, list):
                self._drop(step, item, "a list in a list")
            elif item is not None and item != "":
                step.counter.add(item)
                good.append(item)
        if good:
            out[key] = good if len(good) > 1 else good[0]

    def _iris(self, out: JsonObject, key: str, value: Any, step: Step) -> None:  # noqa: ANN401 (JSON)
        good = []
        for item in value if isinstance(value, list) else (value,):
            iri = read_iri(item) if isinstance(item, str) else None
            if iri is None:
                self._drop(step, item, "not an IRI")
            else:
                step.counter.add(item)
                good.append(iri)
        if good:
            out[key] = good

    def _node_iri(self, base: str, fragment: str, *, held: bool) -> tuple[str, str]:
        """Return the IRI of a node below `base`, and the start of the IRIs below it."""
        iri = f"{base}{fragment}"
        if held and not iri.startswith(SOURCE):
            iri = f"{SOURCE}node:{iri}"
        return iri, f"{iri}-"

    def _nodes_of(
        self,
        key: str,
        value: Any,  # noqa: ANN401 (JSON)
        base: str,
        step: Step,
        depth: int,
        *,
        gathered: bool,
    ) -> list[JsonObject]:
        spec, steps = step.spec, step.steps
        if spec is None or steps is None:
            return []
        if spec.join is not None and isinstance(value, list):
            value = spec.join.join(str(part) for part in value if isinstance(part, str | int | float))
        if spec.prefer and isinstance(value, list):
            value = self._prefer(value, spec, step)
        single = spec.whole or gathered or not isinstance(value, list)
        out = []
        for index, item in enumerate([value] if single else value):
            if item is None or item in ("", []):
                continue
            fragment = spec.fragment or key
            iri, inner = self._node_iri(base, fragment if single else f"{fragment}-{index}", held=step.held)
            if not isinstance(item, dict) or spec.whole:
                if spec.value is None:
                    self._drop(step, item, "not an object")
                    continue
                # The wrapped value is this field: its leaves are counted under the field's own path.
                item = {spec.value: item}  # noqa: PLW2901
                if spec.value not in steps:
                    steps[spec.value] = self.make_step(steps, spec.value)
                    steps[spec.value].counter.path = step.counter.path
            node = self._node(item, iri, inner, steps, depth + 1, gather=not gathered)
            if len(node) == 1:
                continue  # nothing of it could be kept
            if spec.classes:
                node["@type"] = list(spec.classes)
            node.update(spec.constants)
            out.append(node)
        return out

    def _prefer(self, value: list[Any], spec: NodeSpec, step: Step) -> Any:  # noqa: ANN401 (JSON)
        """Return the preferred of several objects; the others are counted as dropped."""
        objects = [item for item in value if isinstance(item, dict)]
        if not objects:
            return value
        member, order = spec.prefer[0], spec.prefer[1:]
        best = min(objects, key=lambda item: order.index(item[member]) if item.get(member) in order else len(order))
        for item in objects:
            if item is not best:
                self._drop(step, item.get(member), f"another {step.key} was preferred by its {member}")
        return best

    def _references(self, key: str, value: Any, base: str, step: Step) -> list[JsonObject]:  # noqa: ANN401 (JSON)
        reference = step.reference
        out: list[JsonObject] = []
        if reference is None:
            return out
        for item in value if isinstance(value, list) else (value,):
            source_id = item.get(reference.identifier) if isinstance(item, dict) else item
            if not isinstance(source_id, str) or not source_id:
                self._drop(step, item, "not an id")
                continue
            step.counter.add(source_id)
            out.append(self.reference(f"{base}{key}-{encode_segment(source_id)}", reference, source_id))
        return out

    def reference(self, iri: str, reference: ReferenceSpec, source_id: str) -> JsonObject:
        """Return a reference node: provider and local identifier (profile 0.4.0), and where to find the thing."""
        return {
            "@id": iri,
            "@type": ["ql:LearningOpportunitySpecificationReference"],
            "elm:providedBy": self._institution,
            "rdfs:seeAlso": self._reference_iri(reference.resource, source_id),
            "adms:identifier": {
                "@id": f"{iri}-identifier",
                "@type": ["elm:Identifier"],
                "skos:notation": source_id,
                "elm:schemeName": reference.identifier,
            },
        }

    def _drop(self, step: Step, value: object, reason: str) -> None:
        self.account.drop(self.resource.name, step.counter.path, value, reason)


def _table(scoped: object) -> dict[str, Any]:
    """The codes that a property-scoped context defines."""
    if isinstance(scoped, list):
        return {key: value for part in scoped for key, value in _table(part).items()}
    return {k: v for k, v in scoped.items() if not k.startswith("@")} if isinstance(scoped, dict) else {}


def _leaves(value: Any) -> tuple[int, object]:  # noqa: ANN401 (JSON)
    """Count the leaf values below a value; return one as an example. Nulls are no values."""
    count, example = 0, None
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif item is not None:
            count, example = count + 1, item if example is None else example
    return count, example

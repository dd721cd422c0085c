"""Prepares a record of JSON for its context: identities, clean values, every leaf accounted for.

What JSON-LD cannot do itself happens here, as `mapping.toml` declares it: nested values that are nodes in ELM get an
IRI (the record's IRI, `#` and their path) and a class, ids of other records become references, children hang below
their parents. What JSON-LD does badly is prevented: nulls, unknown codes, invalid language tags and IRIs, which
processors drop without a word or refuse the whole document for, are taken out and reported.

What is found goes to a writer (`writers.py`): as JSON-LD that any processor lifts, or at once as the same triples.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.account import Account, Counter, count_leaves, shorten
from qlink_ld.mapping.context import Context, Term
from qlink_ld.mapping.folder import MappingFolder, NodeSpec, ReferenceSpec, ResourceSpec
from qlink_ld.mapping.values import DAY_END_READERS, READERS, read_iri, read_language, read_string
from qlink_ld.mapping.writers import Writer
from qlink_ld.namespaces import SOURCE, XSD, encode_segment

JsonObject = dict[str, Any]
MAX_DEPTH = 32  # no format nests a fifth as deep; deeper is an attack or a mistake
_UNDETERMINED = "und"  # BCP 47, for texts whose language is unknown
Node = TypeVar("Node")  # how the writer names a node


class Step(Generic[Node]):
    """What to do with one key; made once, used for every record."""

    __slots__ = (
        "codes",
        "counter",
        "handle",
        "held",
        "key",
        "language_key",
        "name",
        "plan",
        "prefixes",
        "read",
        "reference",
        "spec",
        "steps",
        "term",
        "value_key",
    )

    def __init__(self, key: str, handle: "Handler[Node]", counter: Counter, term: Term | None, plan: Any) -> None:  # noqa: ANN401 (the writer's own)
        self.key = key
        self.handle = handle
        self.counter = counter
        self.term = term
        self.plan = plan
        self.held = False
        self.name = ""  # in the IRIs of its nodes
        self.prefixes: Mapping[str, str] = {}
        self.spec = NodeSpec()
        self.steps: Steps[Node] | None = None
        self.codes: Mapping[str, Any] = {}
        self.read: Callable[[object], str | None] = str
        self.reference = ReferenceSpec("", "")
        self.language_key = ""
        self.value_key = ""


# Takes the node, the step, the value, the start of the IRIs of nodes below, and the depth; returns how much was kept.
Handler = Callable[[Node, Step[Node], Any, str, int], int]


class Steps(dict[str, Step[Node]]):
    """The steps of one kind of node: key → step, made when a key is first met."""

    def __init__(
        self, preparer: "Preparer[Node]", context: Context, path: str, gathers: Mapping[str, str], *, held: bool = False
    ) -> None:
        super().__init__()
        self.preparer = preparer
        self.context = context
        self.path = path
        self.held = held
        # Keys that go together into a node of their own, where the context knows that node.
        self.gathers = {} if held else {k: into for k, into in gathers.items() if into in context.terms}

    def __missing__(self, key: str) -> Step[Node]:
        step = self[key] = self.preparer.make_step(self, key)
        return step


class Preparer(Generic[Node]):
    """Prepares the records of one resource.

    Args:
        mapping: what the mapping folder says.
        resource: what it says of this kind of page.
        context: the resource's compiled context; it decides which keys have a meaning.
        writer: takes what is found.
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
        writer: Writer[Node],
        account: Account,
        is_read: Callable[[str], bool],
        institution_iri: str,
        reference_iri: Callable[[str, str], str],
        default_language: str | None,
    ) -> None:
        self.mapping = mapping
        self.resource = resource
        self.writer = writer
        self.account = account
        self._is_read = is_read
        self._institution = institution_iri
        self._reference_iri = reference_iri
        self._default_language = default_language
        self._language = default_language
        self._nodes = {**mapping.nodes, **resource.nodes}
        self._gathered = {
            member: key for key, spec in self._nodes.items() if spec is not None for member in spec.members
        }
        self.steps = Steps(self, context, "", self._gathered)
        self.record = ""

    # Making steps -----------------------------------------------------------------------------------------------

    def scope_steps(self, key: str) -> Steps[Node]:
        """Return the steps inside the values of a key of the record."""
        return Steps(self, self.steps.context.scope(key), f"{key}.", self._gathered)

    def make_step(self, steps: Steps[Node], key: str) -> Step[Node]:
        """Decide what the values of a key are. See the module's docstring."""
        path = f"{steps.path}{key}"
        name = self.resource.name
        ignore = self.mapping.ignore
        if reason := ignore.get(f"{name}.{path}") or ignore.get(path) or ignore.get(key):
            return Step(key, self._count, self.account.open(name, path, "ignored", reason), None, None)
        term = steps.context.find_term(key)
        # Never JSON-LD by accident, and never a key that is no part of an IRI.
        foreign = key not in steps.context.terms and (":" in key or key.startswith("@") or encode_segment(key) != key)
        if foreign or term is None or (term.iri.startswith(SOURCE) and not self._is_read(term.iri)):
            return Step(key, self._count, self.account.open(name, path, "unmapped"), None, None)
        held = steps.held or term.iri.startswith(SOURCE)
        spec = None if steps.held else self._nodes.get(path, self._nodes.get(key))
        scope = steps.context.scope(key)
        aliases = {t.iri: k for k, t in scope.terms.items() if t is not None and t.iri in ("@value", "@language")}
        counter = self.account.open(name, path, "mapped")
        step: Step[Node] = Step(key, self._scalar, counter, term, None)
        step.held = held
        step.name = encode_segment((spec.fragment if spec is not None else None) or key)
        step.prefixes = scope.prefixes
        inner = {} if spec is not None and spec.members else self._gathered
        step.steps = Steps(self, scope, f"{path}.", inner, held=held)
        if term.opaque:
            step.handle = self._opaque
        elif key in self.mapping.references and not steps.held:
            step.handle = self._references
            step.reference = self.mapping.references[key]
        elif term.iri == "@nest":
            step.handle = self._nest
        elif spec is not None:
            step.handle = self._nodes_of
            step.spec = spec
        elif term.scoped is not None and "@value" in aliases and term.type is None:
            step.handle = self._texts
            step.value_key = aliases["@value"]
            step.language_key = aliases.get("@language", "@language")
        elif term.type == "@vocab":
            step.handle = self._codes
            step.codes = {code: iri for code, iri in _table(term.scoped).items() if iri is not None}
        elif term.type == "@id":
            step.handle = self._iris
        elif term.type is not None:
            step.handle = self._typed
            readers = DAY_END_READERS if key in self.mapping.day_end else READERS
            step.read = readers.get(term.type) or READERS.get(term.type) or READERS[f"{XSD}string"]
        step.plan = self.writer.plan(step.key, term, scope, step.spec, held=held)
        return step

    # Preparing --------------------------------------------------------------------------------------------------

    def prepare(self, record: JsonObject, iri: str, steps: Steps[Node] | None = None) -> Node:
        """Prepare a record, or a child of it with the steps of children; return its node.

        Raises:
            UnreadableData: it is nested deeper than `MAX_DEPTH`.
        """
        self.record = iri
        node = self.writer.node(iri)
        self._members(node, record, f"{iri}#", steps if steps is not None else self.steps, 0)
        return node

    def use_language(self, tag: object) -> None:
        """Take this language for texts without one, from now on; the source's default if it is none."""
        language = read_language(tag) if isinstance(tag, str) else None
        self._language = language or self._default_language

    def _members(self, node: Node, data: JsonObject, base: str, steps: Steps[Node], depth: int) -> int:
        """Prepare the members of a node; `base` starts the IRIs of nodes inside it. Return how much was kept."""
        if depth > MAX_DEPTH:
            raise UnreadableData(f"nested deeper than {MAX_DEPTH} levels")
        kept = 0
        gathers = steps.gathers
        gathered: dict[str, JsonObject] = {}
        for key, value in data.items():
            if value is None:
                continue
            if key in gathers:
                gathered.setdefault(gathers[key], {})[key] = value
                continue
            step = steps[key]
            kept += step.handle(node, step, value, base, depth)
        for key, members in gathered.items():
            step = steps[key]
            kept += step.handle(node, step, members, base, depth)
        return kept

    def _count(self, _node: Node, step: Step[Node], value: Any, _base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        """Ignored or unmapped: only counted."""
        if isinstance(value, bool | int | float):
            step.counter.add(value)
            return 0
        count, example = count_leaves(value)
        if count:
            step.counter.add(example, count)
        return 0

    def _opaque(self, node: Node, step: Step[Node], value: Any, _base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        """A term that only a JSON-LD processor understands: handed on as it is."""
        count, example = count_leaves(value)
        if count:
            step.counter.add(example, count)
            self.writer.raw(node, step.key, value)
        return count

    def _nest(self, node: Node, step: Step[Node], value: Any, base: str, depth: int) -> int:  # noqa: ANN401 (JSON)
        """An object whose members are the node's own."""
        if not isinstance(value, dict) or step.steps is None:
            return self._drop(step, value, "not an object")
        inner = self.writer.nest(node, step.key)
        return self._members(inner, value, base, step.steps, depth + 1)

    def _texts(self, node: Node, step: Step[Node], value: Any, _base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        kept = 0
        counter = step.counter
        for entry in value if isinstance(value, list) else (value,):
            if isinstance(entry, dict):
                text = entry.get(step.value_key)
                tag = entry.get(step.language_key)
                if len(entry) != 2 or text is None or tag is None:
                    self._count_rest(step, entry, (step.value_key, step.language_key))
            else:
                text, tag = entry, None
            if not isinstance(text, str):
                if text is None:
                    continue
                written = read_string(text)
                if written is None:
                    self._drop(step, text, "not a text")
                    continue
                text = written
            if not text or text.isspace():
                self._drop(step, text, "a blank text")
                continue
            language = read_language(tag) if isinstance(tag, str) else None
            if language is None:
                language = self._language or _UNDETERMINED
                if isinstance(entry, dict):
                    self._report_language(step, tag, text)
            if not counter.count:
                counter.example = shorten(text)
            counter.count += 1
            self.writer.text(node, step.plan, text, language)
            kept += 1
        return kept

    def _count_rest(self, step: Step[Node], entry: JsonObject, known: tuple[str, ...]) -> None:
        """Members of a text or a reference that say more than text, language and id."""
        for key in entry.keys() - set(known):
            self.account.count(self.resource.name, f"{step.counter.path}.{key}", "unmapped", entry[key])

    def _report_language(self, step: Step[Node], tag: object, text: str) -> None:
        found = f"carries the language tag {tag!r}, which is none" if tag else "carries no language"
        self.account.report(
            "text-without-language",
            f"A text in '{step.counter.path}' {found}; it is kept as '{self._language or _UNDETERMINED}'. "
            "Give a BCP 47 tag such as 'en' or 'nl'.",
            field=f"{self.resource.name}.{step.counter.path}",
            value=text,
            record=self.record,
        )

    def _codes(self, node: Node, step: Step[Node], value: Any, _base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        kept = 0
        for code in value if isinstance(value, list) else (value,):
            if code is None or code == "":
                continue
            text = code if isinstance(code, str) else str(code)
            if text not in step.codes and step.key in self.mapping.language_tags:
                text = _read_subtag(text, step.codes)
            if text in step.codes:
                step.counter.add(text)
                self.writer.code(node, step.plan, text)
                kept += 1
            elif isinstance(code, dict | list):
                self._drop(step, code, "not a code")
            elif self._is_read(SOURCE + step.key):  # a rule knows what to do with codes written in another form
                step.counter.add(text)
                self.writer.held(node, SOURCE + step.key, text)
                kept += 1
            else:
                self._drop(step, text, "unknown code")
                self.account.report(
                    "unmapped-value",
                    f"'{step.counter.path}' has a value that the mapping does not know; it is left out.",
                    field=f"{self.resource.name}.{step.counter.path}",
                    value=text,
                    record=self.record,
                )
        return kept

    def _typed(self, node: Node, step: Step[Node], value: Any, _base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        kept = 0
        for item in value if isinstance(value, list) else (value,):
            if item is None or item == "":
                continue
            text = step.read(item)
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
            counter = step.counter
            if not counter.count:
                counter.example = shorten(text)
            counter.count += 1
            self.writer.literal(node, step.plan, text)
            kept += 1
        return kept

    def _scalar(self, node: Node, step: Step[Node], value: Any, base: str, depth: int) -> int:  # noqa: ANN401 (JSON)
        """Plain values, and objects that no [nodes] entry names: nodes without a class."""
        kept = 0
        many = isinstance(value, list)
        for index, item in enumerate(value if many else (value,)):
            if isinstance(item, dict) and step.steps is not None:
                iri = f"{base}{step.name}-{index}" if many else f"{base}{step.name}"
                if step.held:
                    iri = _hold(iri)
                child = self.writer.node(iri)
                if self._members(child, item, f"{iri}-", step.steps, depth + 1):
                    self.writer.child(node, step.plan, child)
                    kept += 1
            elif isinstance(item, list):
                self._drop(step, item, "a list in a list")
            elif item is not None and item != "":
                step.counter.add(item)
                self.writer.scalar(node, step.plan, item)
                kept += 1
        return kept

    def _iris(self, node: Node, step: Step[Node], value: Any, _base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        kept = 0
        for item in value if isinstance(value, list) else (value,):
            if item is None or item == "":
                continue
            iri = read_iri(item) if isinstance(item, str) else None
            if iri is None or iri.partition(":")[0] in step.prefixes:  # `elm:x` in data is no IRI, and never ELM's
                self._drop(step, item, "not an IRI")
            else:
                step.counter.add(item)
                self.writer.iri(node, step.plan, iri)
                kept += 1
        return kept

    def _nodes_of(self, node: Node, step: Step[Node], value: Any, base: str, depth: int) -> int:  # noqa: ANN401 (JSON)
        spec, steps = step.spec, step.steps
        if steps is None:
            return 0
        if spec.join is not None and isinstance(value, list):
            value = self._join(value, step)
        if spec.prefer and isinstance(value, list):
            value = self._prefer(value, step)
        single = spec.whole or not isinstance(value, list)
        kept = 0
        for index, item in enumerate((value,) if single else value):
            if item is None or item == "" or item == []:
                continue
            own = item.get(spec.named_by) if spec.named_by and isinstance(item, dict) else None
            place = encode_segment(own) if isinstance(own, str) and own else "" if single else str(index)
            iri = f"{base}{step.name}-{place}" if place else f"{base}{step.name}"
            if step.held:
                iri = _hold(iri)
            child = self.writer.node(iri)
            if isinstance(item, dict) and not spec.whole:
                found = self._members(child, item, f"{iri}-", steps, depth + 1)
            elif spec.value is None:
                found = self._drop(step, item, "not an object")
            else:  # a bare value is the node's member of that name
                if spec.value not in steps:  # it is this field: counted under the field's own path
                    steps[spec.value] = self.make_step(steps, spec.value)
                    steps[spec.value].counter.path = step.counter.path
                inner = steps[spec.value]
                found = inner.handle(child, inner, item, f"{iri}-", depth + 1)
            if found:
                self.writer.child(node, step.plan, child)
                kept += 1
        return kept

    def _join(self, value: list[Any], step: Step[Node]) -> str:
        """Return the parts of a list as one text; each part is counted."""
        parts = []
        for part in value:
            text = read_string(part)
            if text:
                parts.append(text)
            elif text is None:
                self._drop(step, part, "not a text")
        count, example = count_leaves(parts[1:])
        if count:
            step.counter.add(example, count)
        return step.spec.join.join(parts) if step.spec.join is not None else ""

    def _prefer(self, value: list[Any], step: Step[Node]) -> Any:  # noqa: ANN401 (JSON)
        """Return the preferred of several objects; whatever else the list holds is counted as dropped."""
        objects = [item for item in value if isinstance(item, dict)]
        if not objects:
            return value
        member, order = step.spec.prefer[0], step.spec.prefer[1:]
        best = min(objects, key=lambda item: order.index(item[member]) if item.get(member) in order else len(order))
        for item in value:
            if item is not best:
                self._drop(step, item, f"another of '{step.key}' was preferred by its {member}")
        return best

    def _references(self, node: Node, step: Step[Node], value: Any, base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        kept = 0
        for item in value if isinstance(value, list) else (value,):
            if item is None or item == "":
                continue
            source_id = item.get(step.reference.identifier) if isinstance(item, dict) else item
            if not isinstance(source_id, str) or not source_id:
                self._drop(step, item, "not an id")
                continue
            if isinstance(item, dict) and len(item) > 1:
                rest = {key: value for key, value in item.items() if key != step.reference.identifier}
                self.account.count(self.resource.name, step.counter.path, "ignored", rest, "it has a record of its own")
            step.counter.add(source_id)
            iri = f"{base}{step.name}-{encode_segment(source_id)}"
            self.writer.document(node, step.plan, self.reference(iri, step.reference, source_id))
            kept += 1
        return kept

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
                "elm:schemeName": reference.scheme or reference.identifier,
            },
        }

    def _drop(self, step: Step[Node], value: object, reason: str) -> int:
        self.account.drop(self.resource.name, step.counter.path, value, reason)
        return 0


def _read_subtag(tag: str, codes: Mapping[str, Any]) -> str:
    """Return the primary subtag of a language tag if the table knows it, else the tag: `en` of `en-GB` or `EN_gb`."""
    subtag = tag.strip().replace("_", "-").partition("-")[0].lower()
    return subtag if subtag in codes else tag


def _hold(iri: str) -> str:
    """Nodes that only rules see are in the holding namespace."""
    return iri if iri.startswith(SOURCE) else f"{SOURCE}node:{iri}"


def _table(scoped: object) -> dict[str, Any]:
    """The codes that a property-scoped context defines."""
    if isinstance(scoped, list):
        return {key: value for part in scoped for key, value in _table(part).items()}
    return {k: v for k, v in scoped.items() if not k.startswith("@")} if isinstance(scoped, dict) else {}

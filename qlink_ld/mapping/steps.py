"""What to do with each key of a record: decided once by context and `mapping.toml`, used for every record.

A `Step` says which kind of value a key has, what it means and where it is counted. Preparing a record (`prepare.py`) is
looking up steps and running their handlers; telling where a property comes from (`lineage.py`) is reading them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, Self, TypeVar

from qlink_ld.mapping.account import Account, Counter, Outcome, shorten
from qlink_ld.mapping.context import Context, Term
from qlink_ld.mapping.folder import MappingFolder, NodeSpec, ReferenceSpec, ResourceSpec
from qlink_ld.mapping.forms import ValueForm
from qlink_ld.mapping.writers import Writer
from qlink_ld.namespaces import SOURCE, encode_segment

Kind = Literal["count", "opaque", "references", "nest", "nodes", "texts", "codes", "iris", "typed", "scalar"]
Node = TypeVar("Node")  # how the writer names a node
MAX_KEYS = 1000  # different keys in one place; what a source has beyond, as in an object keyed by codes, is one field


class CopiedKey(str):
    """A key of a member that was counted elsewhere: inherited, joined, or not from the source at all.

    It is no key that a source could send: it begins with half a surrogate pair, which no JSON that was read has. So it
    is hashed and compared as fast as any text.
    """

    __slots__ = ()

    def __new__(cls, name: str) -> Self:
        """Return the copy of a key."""
        return super().__new__(cls, f"\ud800{name}")

    @property
    def name(self) -> str:
        """The key itself."""
        return self[1:]


class CopiedObject(dict[str, Any]):
    """An object that was counted elsewhere, in a list with others that were not: a record looked up once more."""

    __slots__ = ()


class Step(Generic[Node]):
    """What to do with one key; made once, used for every record."""

    __slots__ = (
        "account",
        "codes",
        "counter",
        "folded",
        "form",
        "handle",
        "held",
        "key",
        "kind",
        "language_counter",
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

    def __init__(
        self, key: str, kind: Kind, handle: "Handler[Node]", counter: Counter, account: Account, term: Term | None
    ) -> None:
        self.key = key
        self.kind = kind
        self.handle = handle
        self.counter = counter
        self.account = account  # where leaves are counted that the counter is not for
        self.term = term
        self.plan: Any = None  # the writer's own
        self.held = False
        self.name = ""  # in the IRIs of its nodes
        self.prefixes: Mapping[str, str] = {}
        self.spec = NodeSpec()
        self.steps: Steps[Node] | None = None
        self.codes: Mapping[str, Any] = {}
        self.folded: Mapping[str, str] = {}  # codes by their text in one case
        self.form = ValueForm()  # what is done with its values first
        self.read: Callable[[object], str | None] = str
        self.reference = ReferenceSpec("", "")
        self.language_key = ""
        self.language_counter = counter
        self.value_key = ""

    def count(self, path: str, outcome: Outcome, value: object, reason: str = "") -> None:
        """Count leaves that the step's counter is not for."""
        self.account.count(self.counter.resource, path, outcome, value, reason)

    def drop(self, value: object, reason: str) -> int:
        """Count a value that is of no use; return how much of it was kept: nothing."""
        self.count(self.counter.path, "dropped", value, reason)
        return 0

    def drop_language(self, tag: object, reason: str) -> None:
        """Count a language that is of no use; its text may be."""
        self.count(self.language_counter.path, "dropped", tag, reason)

    def count_rest(self, entry: Mapping[str, object]) -> None:
        """Count the members of a text that are neither the text nor its language."""
        for key in entry.keys() - {self.value_key, self.language_key}:
            self.count(f"{self.counter.path}.{key}", "unmapped", entry[key])


# Takes the node, the step, the value, the start of the IRIs of nodes below, and the depth; returns how much was kept.
Handler = Callable[[Node, Step[Node], Any, str, int], int]


class Steps(dict[str, Step[Node]]):
    """The steps of one kind of node: key → step, made when a key is first met."""

    def __init__(
        self,
        maker: "StepMaker[Node]",
        context: Context,
        path: str,
        gathers: Mapping[str, str],
        *,
        held: bool = False,
        copied: bool = False,
    ) -> None:
        super().__init__()
        self.maker = maker
        self.context = context
        self.path = path
        self.held = held
        self.copied = copied  # all in it is counted elsewhere
        # Keys that go together into a node of their own, where the context knows that node.
        self.gathers = {} if held else {k: into for k, into in gathers.items() if into in context.terms}
        self.gathers |= {CopiedKey(key): into for key, into in self.gathers.items()}
        self._more: Step[Node] | None = None
        self._elsewhere: Steps[Node] | None = None

    def counted_elsewhere(self) -> "Steps[Node]":
        """Return the same steps, which count nothing."""
        if self._elsewhere is None:
            self._elsewhere = Steps(self.maker, self.context, self.path, {}, held=self.held, copied=True)
            self._elsewhere.gathers = self.gathers
        return self._elsewhere

    def __missing__(self, key: str) -> Step[Node]:
        if len(self) >= MAX_KEYS and not self.maker.knows(self, key):
            if self._more is None:
                self._more = self.maker.count_only(self, key, f"{self.path}*", "unmapped")
            return self._more
        step = self[key] = self.maker.make(self, key)
        return step


class StepMaker(Generic[Node]):
    """Decides what the keys of one resource's records are.

    Args:
        mapping: what the mapping folder says.
        resource: what it says of this kind of page.
        writer: takes what is found.
        account: where leaves are counted.
        is_read: whether some rule reads triples with a predicate.
        handlers: what is done with each kind of value.
    """

    def __init__(
        self,
        mapping: MappingFolder,
        resource: ResourceSpec,
        writer: Writer[Node],
        account: Account,
        is_read: Callable[[str], bool],
        handlers: Mapping[Kind, Handler[Node]],
    ) -> None:
        self.mapping = mapping
        self.resource = resource
        self._writer = writer
        self._account = account
        self._elsewhere = Account(account.source)  # takes what is counted elsewhere, and is thrown away
        self._is_read = is_read
        self._handlers = handlers
        self._nodes = {**mapping.nodes, **resource.nodes}
        self._gathered = {
            member: key for key, spec in self._nodes.items() if spec is not None for member in spec.members
        }

    def start(self, context: Context) -> Steps[Node]:
        """Return the steps of a record."""
        return Steps(self, context, "", self._gathered)

    def scope(self, steps: Steps[Node], key: str) -> Steps[Node]:
        """Return the steps inside the values of a key of the record, where these are records too."""
        return Steps(self, steps.context.scope(key), f"{key}.", self._gathered)

    def knows(self, steps: Steps[Node], key: str) -> bool:
        """Whether a key has a meaning of its own in this place."""
        return key in steps.context.terms or key in self.mapping.ignore or self._is_read(SOURCE + key)

    def count_only(self, steps: Steps[Node], key: str, path: str, outcome: Outcome, reason: str = "") -> Step[Node]:
        """Return the step of a key whose values are only counted."""
        account = self._elsewhere if steps.copied else self._account
        counter = account.open(self.resource.name, shorten(path), outcome, reason)
        return Step(key, "count", self._handlers["count"], counter, account, None)

    def make(self, steps: Steps[Node], key: str) -> Step[Node]:
        """Decide what the values of a key are."""
        copied = steps.copied or isinstance(key, CopiedKey)
        key = key.name if isinstance(key, CopiedKey) else key
        path, name = f"{steps.path}{key}", self.resource.name
        ignore = self.mapping.ignore
        account = self._elsewhere if copied else self._account
        if reason := ignore.get(f"{name}.{path}") or ignore.get(path) or ignore.get(key):
            counter = account.open(name, path, "ignored", reason)
            return Step(key, "count", self._handlers["count"], counter, account, None)
        term = steps.context.find_term(key)
        # Never JSON-LD by accident, and never a key that is no part of an IRI.
        foreign = key not in steps.context.terms and (":" in key or key.startswith("@") or encode_segment(key) != key)
        if foreign or term is None or (term.iri.startswith(SOURCE) and not self._is_read(term.iri)):
            counter = account.open(name, shorten(path), "unmapped")
            return Step(key, "count", self._handlers["count"], counter, account, None)
        held = steps.held or term.iri.startswith(SOURCE)
        spec = None if steps.held else self._nodes.get(path, self._nodes.get(key))
        scope = steps.context.scope(key)
        aliases = {t.iri: k for k, t in scope.terms.items() if t is not None and t.iri in ("@value", "@language")}
        kind = self._find_kind(key, term, spec, aliases, is_held=steps.held)
        step: Step[Node] = Step(key, kind, self._handlers[kind], account.open(name, path, "mapped"), account, term)
        step.held = held
        step.name = encode_segment((spec.fragment if spec is not None else None) or key)
        step.prefixes = scope.prefixes
        step.spec = spec if spec is not None and kind == "nodes" else step.spec
        inner = {} if spec is not None and spec.members else self._gathered
        step.steps = Steps(self, scope, f"{path}.", inner, held=held, copied=copied)
        self._detail(step, aliases)
        form = self.mapping.values.get(path) or self.mapping.values.get(key) or self.mapping.values.get("*")
        if form is not None and form.changes_texts and kind != "opaque":
            step.form, step.handle = form, _change_first(step.handle)
        step.plan = self._writer.plan(step.key, term, scope, step.spec, held=held)
        return step

    def _find_kind(
        self, key: str, term: Term, spec: NodeSpec | None, aliases: Mapping[str, str], *, is_held: bool
    ) -> Kind:
        if term.opaque:
            return "opaque"
        if key in self.mapping.references and not is_held:
            return "references"
        if term.iri == "@nest":
            return "nest"
        if spec is not None:
            return "nodes"
        if term.scoped is not None and "@value" in aliases and term.type is None:
            return "texts"
        by_type: dict[str | None, Kind] = {"@vocab": "codes", "@id": "iris", None: "scalar"}
        return by_type.get(term.type, "typed")

    def _detail(self, step: Step[Node], aliases: Mapping[str, str]) -> None:
        """What the handler of this kind wants to know."""
        term, key, path = step.term, step.key, step.counter.path
        if term is None:
            return
        if step.kind == "references":
            step.reference = self.mapping.references[key]
        elif step.kind == "texts":
            step.value_key = aliases["@value"]
            step.language_key = aliases.get("@language", "@language")
            step.language_counter = step.account.open(self.resource.name, f"{path}.{step.language_key}", "mapped")
        elif step.kind == "codes":
            step.codes = {code: iri for code, iri in _table(term.scoped).items() if iri is not None}
            if self.mapping.fold_case is None or key in self.mapping.fold_case:
                step.folded = {fold(code): code for code in reversed(step.codes)}
        elif step.kind == "typed":
            own = self.mapping.values.get(path) or self.mapping.values.get(key) or self.mapping.values.get("*")
            forms = own.forms if own is not None else self.mapping.forms
            step.read = forms.find_reader(term.type or "", day_end=key in self.mapping.day_end)


def fold(code: str) -> str:
    """Return a code in one case, with single blanks."""
    return " ".join(code.split()).casefold()


def _change_first(handle: Handler[Node]) -> Handler[Node]:
    """Return a handler that first does with a value what the mapping says of its form."""

    def change(node: Node, step: Step[Node], value: Any, base: str, depth: int) -> int:  # noqa: ANN401 (JSON)
        changed, nothing = step.form.change(value, step.value_key)
        for text in nothing:
            step.count(step.counter.path, "ignored", text, "stands for no value")
        return handle(node, step, changed, base, depth)

    return change


def _table(scoped: object) -> dict[str, Any]:
    """The codes that a property-scoped context defines."""
    if isinstance(scoped, list):
        return {key: value for part in scoped for key, value in _table(part).items()}
    return {k: v for k, v in scoped.items() if not k.startswith("@")} if isinstance(scoped, dict) else {}

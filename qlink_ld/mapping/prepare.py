"""Prepares a record of JSON for its context: identities, clean values, every leaf accounted for.

What JSON-LD cannot do itself happens here, as `mapping.toml` declares it: nested values that are nodes in ELM get an
IRI (the record's IRI, `#` and their path) and a class, ids of other records become references, children hang below
their parents. What JSON-LD does badly is prevented: nulls, unknown codes, invalid language tags and IRIs, which
processors drop without a word or refuse the whole document for, are taken out and reported.

What is found goes to a writer (`writers.py`): as JSON-LD that any processor lifts, or at once as the same triples.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from qlink_ld.mapping.account import Account, count_leaves, shorten
from qlink_ld.mapping.context import Context
from qlink_ld.mapping.folder import MappingFolder, ReferenceSpec, ResourceSpec
from qlink_ld.mapping.steps import CopiedObject, Step, StepMaker, Steps, fold
from qlink_ld.mapping.values import read_decimal, read_iri, read_language, read_string
from qlink_ld.mapping.writers import Writer
from qlink_ld.namespaces import SOURCE, encode_segment

JsonObject = dict[str, Any]
_UNDETERMINED = "und"  # BCP 47, for texts whose language is unknown
Node = TypeVar("Node")  # how the writer names a node


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
        self._maker: StepMaker[Node] = StepMaker(
            mapping,
            resource,
            writer,
            account,
            is_read,
            {
                "count": self._count,
                "opaque": self._opaque,
                "references": self._references,
                "nest": self._nest,
                "nodes": self._nodes_of,
                "texts": self._texts,
                "codes": self._codes,
                "iris": self._iris,
                "typed": self._typed,
                "scalar": self._scalar,
            },
        )
        self.steps = self._maker.start(context)
        self.record = ""

    def scope_steps(self, key: str) -> Steps[Node]:
        """Return the steps inside the values of a key of the record."""
        return self._maker.scope(self.steps, key)

    # Preparing --------------------------------------------------------------------------------------------------

    def prepare(self, record: JsonObject, iri: str, steps: Steps[Node] | None = None) -> Node:
        """Prepare a record, or a child of it with the steps of children; return its node. Call `check_depth` before."""
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
        kept = 0
        if type(data) is CopiedObject:
            steps = steps.counted_elsewhere()
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
            return step.drop(value, "not an object")
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
                    step.count_rest(entry)
            else:
                text, tag = entry, None
            if not isinstance(text, str):
                written = read_string(text)
                if written is None:
                    step.drop(text, "not a text")
                    step.drop_language(tag, "it has no text")
                    continue
                text = written
            if not text or text.isspace():
                step.drop(text, "a blank text")
                step.drop_language(tag, "it has no text")
                continue
            language = read_language(tag) if isinstance(tag, str) else None
            if language is not None:
                step.language_counter.add(tag)
            else:
                language = self._language or _UNDETERMINED
                if isinstance(entry, dict):
                    step.drop_language(tag, "not a language tag")
                    self._report_language(step, tag, text)
            if not counter.count:
                counter.example = shorten(text)
            counter.count += 1
            self.writer.text(node, step.plan, text, language)
            kept += 1
        return kept

    def _report_language(self, step: Step[Node], tag: object, text: str) -> None:
        found = f"carries the language tag {shorten(tag)!r}, which is none" if tag else "carries no language"
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
            text = code if isinstance(code, str) else read_decimal(code) or str(code)  # a sheet's 7.0 is the code 7
            if text not in step.codes and step.key in self.mapping.language_tags:
                text = _read_subtag(text, step.codes)
            if text not in step.codes and step.folded:
                text = step.folded.get(fold(text), text)
            if text in step.codes:
                step.counter.add(text)
                self.writer.code(node, step.plan, text)
                kept += 1
            elif isinstance(code, dict | list):
                step.drop(code, "not a code")
            elif self._is_read(SOURCE + step.key):  # a rule knows what to do with codes written in another form
                step.counter.add(text)
                self.writer.held(node, SOURCE + step.key, text)
                kept += 1
            else:
                step.drop(text, "unknown code")
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
                step.drop(item, f"not a value of type {name}")
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
                step.drop(item, "a list in a list")
            elif item is not None and item != "":
                step.counter.add(item)
                if not isinstance(item, str) and step.term is not None and step.term.language:
                    item = read_string(item)  # in a language, a number is a text  # noqa: PLW2901
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
                step.drop(item, "not an IRI")
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
                found = step.drop(item, "not an object")
            else:  # a bare value is the node's member of that name
                if spec.value not in steps:  # it is this field: counted under the field's own path
                    steps[spec.value] = self._maker.make(steps, spec.value)
                    inner, inner.counter.path = steps[spec.value], step.counter.path
                    if inner.kind == "texts":
                        inner.language_counter.path = f"{step.counter.path}.{inner.language_key}"
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
                step.drop(part, "not a text")
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
                step.drop(item, f"another of '{step.key}' was preferred by its {member}")
        return best

    def _references(self, node: Node, step: Step[Node], value: Any, base: str, _depth: int) -> int:  # noqa: ANN401 (JSON)
        kept = 0
        for item in value if isinstance(value, list) else (value,):
            if item is None or item == "":
                continue
            source_id = item.get(step.reference.identifier) if isinstance(item, dict) else item
            if not isinstance(source_id, str) or not source_id:
                step.drop(item, "not an id")
                continue
            if isinstance(item, dict) and len(item) > 1:
                rest = {key: value for key, value in item.items() if key != step.reference.identifier}
                step.count(step.counter.path, "ignored", rest, "it has a record of its own")
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


def _read_subtag(tag: str, codes: Mapping[str, Any]) -> str:
    """Return the primary subtag of a language tag if the table knows it, else the tag: `en` of `en-GB` or `EN_gb`."""
    subtag = tag.strip().replace("_", "-").partition("-")[0].lower()
    return subtag if subtag in codes else tag


def _hold(iri: str) -> str:
    """Nodes that only rules see are in the holding namespace."""
    return iri if iri.startswith(SOURCE) else f"{SOURCE}node:{iri}"

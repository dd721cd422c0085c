"""Every mapping file against its case folders: what a small input becomes, and that each rule has its part in it.

A case is a folder with `input.json` (pages by resource: an object, or a list of objects where `parent` names whose
children a page lists; `settings` may give a `default_language`, and the `mapping` for a common rule), `input.ttl`, or
the one document of a mapping with `[document]` as it comes (`input.json`, `.xml`, `.csv`, `.xlsx`), and `expected.nq`.
What a data steward is told, and what was left out, is in `expected-issues.json`, which exists only where there is
something to tell.

`pytest --rewrite-golden` writes the expected files anew. Read them against the crosswalk before you commit them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import BlankNode, RdfFormat, parse

from qlink_ld.mapping import Account, Document, JsonMapper, MappingFolder, load_mapping, map_graph
from qlink_ld.mapping.batch import Mapped
from qlink_ld.mapping.elm import ElmMapper
from qlink_ld.mapping.folder import bundled_names
from qlink_ld.mapping.rules import Rule
from qlink_ld.model import DataSource, Institution, Record
from qlink_ld.namespaces import Iris
from qlink_ld.ntriples import to_quads
from qlink_ld.resources import find_resource_dir

HERE = Path(__file__).parent
MAPPINGS = find_resource_dir("mappings")
RULES = sorted(MAPPINGS.glob("*/rules/*.rq"))
CASES = sorted(file.parent for file in HERE.glob("*/*/input.*"))
INSTITUTION = Institution(
    id="NL0028", name="University of Twente", schac="utwente.nl", same_as=("https://registry.example/utwente",)
)
IRIS = Iris("https://example.org/")
GRAPH = IRIS.institution_graph(INSTITUTION.id)
HARVESTED_ON = date(2025, 10, 1)
DRAWER = "urn:qlink-ld:"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case."""

    mapped: list[Mapped]
    account: Account

    @property
    def records(self) -> list[Record]:
        return [entry for entry in self.mapped if isinstance(entry, Record)]

    @property
    def quads(self) -> str:
        """One sorted block of N-Quads per record, in the order of the source, with an empty line between."""
        return "\n".join(to_quads(record.ntriples, GRAPH) for record in self.records)

    @property
    def told(self) -> dict[str, list[dict[str, Any]]]:
        """Issues, and the fields that are not in the output."""
        issues: list[dict[str, Any]] = [
            {
                "code": issue.code,
                "field": issue.field,
                "value": issue.value,
                "record": issue.record,
                "count": issue.count,
                "message": issue.message,
            }
            for issue in self.account.issues
        ]
        left_out: list[dict[str, Any]] = [
            {"field": f"{use.resource}.{use.path}", "outcome": use.outcome, "count": use.count, "reason": use.reason}
            for use in self.account.fields
            if use.outcome != "mapped"
        ]
        parts = {"issues": issues, "left_out": left_out}
        return {name: entries for name, entries in parts.items() if entries}


def name_case(folder: Path) -> str:
    return folder.relative_to(HERE).as_posix()


def find_mapping_of(case: Path) -> MappingFolder:
    """The mapping that a case is for; cases of common rules go through the mapping that their input needs."""
    folder = case.parent.name
    if folder == "common":
        folder = "elm" if (case / "input.ttl").is_file() else "ooapi-5"
        if folder != "elm":  # another one where `settings` name it
            settings = json.loads((case / "input.json").read_text(encoding="utf-8")).get("settings", {})
            folder = settings.get("mapping", folder)
    return load_mapping(folder)


def is_graph(case: Path) -> bool:
    """Whether a case is RDF, or says the same."""
    return (case / "input.ttl").is_file() or find_mapping_of(case).is_graph


def read_documents(case: Path) -> tuple[list[Document], str | None]:
    """The pages of a case, and its default language."""
    whole = next((file for file in case.glob("input.*") if file.suffix not in (".json", ".ttl")), None)
    if whole is None and find_mapping_of(case).body is not None:
        whole = case / "input.json"
    if whole is not None:
        return [Document("data", f"https://source.example/{whole.name}", whole.read_bytes)], None
    content = json.loads((case / "input.json").read_text(encoding="utf-8"))
    language = content.pop("settings", {}).get("default_language")
    documents = []
    for resource, pages in content.items():
        for page in pages if isinstance(pages, list) else [pages]:
            parent = page.pop("parent", None)
            body = json.dumps(page, ensure_ascii=False).encode()
            documents.append(Document(resource, f"https://source.example/{resource}", lambda body=body: body, parent))  # type: ignore[misc]
    return documents, language


@lru_cache(maxsize=256)
def run_case(case: Path) -> Outcome:
    """Convert the input of a case, as it is done by default."""
    return convert_case(case, find_mapping_of(case))


def convert_case(case: Path, mapping: MappingFolder, *, by_processor: bool = False) -> Outcome:
    """Convert the input of a case by a mapping."""
    account = Account("case")
    batches: Iterator[list[Mapped]]
    if (case / "input.ttl").is_file():
        source = DataSource("case", "elm", "https://source.example/elm.ttl")
        body = (case / "input.ttl").read_bytes()
        batches = ElmMapper(mapping, INSTITUTION, IRIS, account, HARVESTED_ON).map_file(body, source, None, source.path)
    elif mapping.is_graph:
        (document,), _ = read_documents(case)
        source = DataSource("case", mapping.source_type, document.position)
        batches = map_graph(
            document.read(), mapping, INSTITUTION, source, IRIS, account, HARVESTED_ON, None, document.position
        )
    else:
        documents, language = read_documents(case)
        mapper = JsonMapper(mapping, INSTITUTION, IRIS, account, HARVESTED_ON, language, by_processor=by_processor)
        batches = mapper.map_documents(documents)
    return Outcome([entry for batch in batches for entry in batch], account)


def compare(file: Path, text: str, *, rewrite: bool) -> None:
    """Compare with the expected file, which does not exist where nothing is expected; or write it."""
    if rewrite:
        if text:
            file.write_text(text, encoding="utf-8")
        else:
            file.unlink(missing_ok=True)
    expected = file.read_text(encoding="utf-8") if file.is_file() else ""
    assert text == expected, f"{file}: see the difference; `pytest --rewrite-golden` takes the new outcome"


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_input_becomes_what_is_expected(case: Path, pytestconfig: pytest.Config) -> None:
    rewrite = bool(pytestconfig.getoption("--rewrite-golden"))
    outcome = run_case(case)
    compare(case / "expected.nq", outcome.quads, rewrite=rewrite)
    told = json.dumps(outcome.told, ensure_ascii=False, indent=2) + "\n" if outcome.told else ""
    compare(case / "expected-issues.json", told, rewrite=rewrite)


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_expected_quads_are_sorted_grounded_and_published_terms_only(case: Path) -> None:
    text = (case / "expected.nq").read_text(encoding="utf-8") if (case / "expected.nq").is_file() else ""
    for block in text.split("\n\n"):
        lines = block.splitlines()
        assert lines == sorted(set(lines))
        for quad in parse(block.encode(), format=RdfFormat.N_QUADS):
            assert not isinstance(quad.subject, BlankNode)
            assert not isinstance(quad.object, BlankNode)
            assert str(quad.graph_name) == f"<{GRAPH}>"
            assert not any(str(t).startswith(f"<{DRAWER}") for t in (quad.subject, quad.predicate, quad.object))


@pytest.mark.parametrize("case", [c for c in CASES if not is_graph(c)], ids=name_case)
def test_pyoxigraph_processing_the_context_gives_the_same(case: Path) -> None:
    compiled, processed = run_case(case), convert_case(case, find_mapping_of(case), by_processor=True)
    assert processed.mapped == compiled.mapped
    assert processed.account.issues == compiled.account.issues
    assert processed.account.fields == compiled.account.fields


# Nothing without a case --------------------------------------------------------------------------------------------


def read_test_header(file: Path) -> str:
    """The path after `Test:` in a file's header comment, or in a context's description."""
    found = re.search(r"Test:\s+(tests/\S+?)[.]?(?=[\s\"]|$)", file.read_text(encoding="utf-8"))
    assert found, f"{file}: its header names no test; write 'Test: tests/mappings/…/'"
    return found[1].removeprefix("tests/mappings/")


@pytest.mark.parametrize("rule", RULES, ids=lambda file: f"{file.parent.parent.name}/{file.stem}")
def test_rule_has_a_case_of_its_own_name(rule: Path) -> None:
    name = f"{rule.parent.parent.name}/{rule.stem}"
    assert read_test_header(rule) == f"{name}/"
    assert HERE / name in CASES, f"{rule}: write tests/mappings/{name}/input.json (or input.ttl)"


@pytest.mark.parametrize("rule", RULES, ids=lambda file: f"{file.parent.parent.name}/{file.stem}")
def test_rule_has_its_part_in_its_case(rule: Path) -> None:
    case = HERE / rule.parent.parent.name / rule.stem
    mapping = find_mapping_of(case)
    idle = replace(mapping, rules=silence(rule, mapping.rules), common_rules=silence(rule, mapping.common_rules))
    assert idle != mapping, f"{rule} is not a rule of the mapping '{mapping.name}'"
    with_rule, without = run_case(case), convert_case(case, idle)
    assert (with_rule.mapped, with_rule.account.issues) != (without.mapped, without.account.issues)


def silence(file: Path, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules, of which one constructs nothing; what it reads is still kept for it."""
    return tuple(replace(rule, text="CONSTRUCT {} WHERE {}") if rule.file == file else rule for rule in rules)


def test_every_common_rule_is_used_by_some_mapping() -> None:
    mappings = [load_mapping(name) for name in bundled_names()]
    used = {rule.file for mapping in mappings for rule in (*mapping.rules, *mapping.common_rules)}
    assert used >= set(MAPPINGS.glob("common/rules/*.rq"))


@pytest.mark.parametrize("name", bundled_names())
def test_mapping_folder_has_cases_beyond_its_rules(name: str) -> None:
    rules = {file.stem for file in RULES if file.parent.parent.name == name}
    assert [case for case in CASES if case.parent.name == name and case.name not in rules]
    assert read_test_header(MAPPINGS / name / "mapping.toml") == f"{name}/"


@pytest.mark.parametrize("context", sorted(MAPPINGS.glob("*/*.jsonld")), ids=lambda f: f"{f.parent.name}/{f.name}")
def test_context_names_a_test_that_exists(context: Path) -> None:
    target = HERE / read_test_header(context)
    assert list(target.glob("*/input.*")), f"{context}: there is no case in {target}"


@pytest.mark.parametrize("folder", sorted(f for f in HERE.glob("*/*") if f.name != "__pycache__"), ids=name_case)
def test_case_folder_holds_a_case_of_a_mapping(folder: Path) -> None:
    assert folder in CASES
    assert folder.parent.name in {*bundled_names(), "common"}

"""Converts JSON in memory, the way a source's pages are converted."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from qlink_ld.mapping import Account, Document, JsonMapper, load_mapping
from qlink_ld.mapping.batch import Mapped
from qlink_ld.model import FieldUse, Institution, Issue, Record, Refusal
from qlink_ld.namespaces import Iris

HARVESTED_ON = date(2025, 10, 1)


@dataclass(frozen=True, slots=True)
class Converted:
    """Records, refusals and what is told of them."""

    mapped: list[Mapped]
    issues: tuple[Issue, ...]
    fields: tuple[FieldUse, ...]

    @property
    def records(self) -> list[Record]:
        return [entry for entry in self.mapped if isinstance(entry, Record)]

    @property
    def refusals(self) -> list[Refusal]:
        return [entry for entry in self.mapped if isinstance(entry, Refusal)]

    @property
    def ntriples(self) -> str:
        return "".join(record.ntriples for record in self.records)


# Resource → a page or, where pages list the children of a record, pages by that record's id.
Pages = Mapping[str, Any]
Convert = Callable[..., Converted]


@pytest.fixture(scope="session")
def institution() -> Institution:
    return Institution(id="NL0028", name="University of Twente", schac="utwente.nl")


@pytest.fixture(scope="session")
def iris() -> Iris:
    return Iris("https://example.org/")


@pytest.fixture(scope="session")
def convert(institution: Institution, iris: Iris) -> Convert:
    """Return a function: pages by resource → `Converted`. A page is JSON, or bytes as received."""

    def run(
        pages: Pages,
        *,
        mapping: str = "ooapi-5",
        by_processor: bool = False,
        language: str | None = None,
        schac: str | None = "utwente.nl",
    ) -> Converted:
        account = Account("test")
        documents = []
        for resource, content in pages.items():
            by_parent = content if resource.endswith(("-offerings", "-courses")) else {None: content}
            for parent, page in by_parent.items():
                body = page if isinstance(page, bytes) else json.dumps(page).encode()
                documents.append(Document(resource, f"memory:{resource}", lambda body=body: body, parent))  # type: ignore[misc]
        mapper = JsonMapper(
            load_mapping(mapping),
            replace(institution, schac=schac),
            iris,
            account,
            HARVESTED_ON,
            language,
            by_processor=by_processor,
        )
        mapped = [entry for batch in mapper.map_documents(documents) for entry in batch]
        return Converted(mapped, account.issues, account.fields)

    return run


@pytest.fixture(scope="session")
def assert_both_ways(convert: Convert) -> Callable[..., Converted]:
    """Return a function that converts by the compiled context and by pyoxigraph's processor and compares."""

    def run(pages: Pages, **options: Any) -> Converted:
        compiled, processed = convert(pages, **options), convert(pages, by_processor=True, **options)
        assert [r.ntriples.split("\n") for r in processed.records] == [r.ntriples.split("\n") for r in compiled.records]
        assert processed.mapped == compiled.mapped
        assert processed.issues == compiled.issues
        assert processed.fields == compiled.fields
        return compiled

    return run

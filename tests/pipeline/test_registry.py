"""What imported registers add to a run, and what they must not cost."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import NamedNode, Store
from pytest_httpserver import HTTPServer

from qlink_ld.errors import ConfigurationError, RegistryError
from qlink_ld.model import Institution
from qlink_ld.namespaces import OWL, ROV
from qlink_ld.pipeline.registry import apply_registry, describe_all, find_imported
from qlink_ld.registry.imports import import_register
from qlink_ld.store import hash_file

Courses = Callable[[Iterable[str]], str]


def provider(number: int, eter: str, schac: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "deqar_id": f"DEQARINST{number:04d}",
        "eter_id": eter,
        "identifiers": [{"identifier": schac, "resource": "SCHAC", "agency": None}],
        "name_primary": name,
        "names": [{"name_official": f"{name} (official)", "name_english": name, "name_valid_to": None}],
        "website_link": f"https://www.{schac}",
        "locations": [{"country": {"iso_3166_alpha3": "NLD"}, "city": None}],
        "closure_date": None,
        **more,
    }


PROVIDERS = [
    provider(1, "NL0001", "a.example", "University A"),
    provider(2, "NL0002", "b.example", "University B"),
    provider(3, "NL0003", "c.example", "University C", closure_date="2001-01-01"),
]


def bring(deployment: Any, providers: list[dict[str, Any]] = PROVIDERS, *, force: bool = False) -> None:
    file = deployment.write("providers.json", json.dumps({"results": providers}))
    import_register("deqar", str(file), deployment.data, deployment.config().harvest, force=force)


def registry_values(deployment: Any, name: str, predicate: str) -> set[str]:
    config = deployment.config()
    store = Store.read_only(str(deployment.data / "current" / "store"))
    node, graph = NamedNode(config.iris.institution(name)), NamedNode(config.iris.registry_graph)
    return {str(quad.object) for quad in store.quads_for_pattern(node, NamedNode(predicate), None, graph)}


@pytest.fixture
def published(deployment: Any, courses: Courses) -> Any:
    """A deployment with one configured institution, which DEQAR knows, too."""
    deployment.write("a.ttl", courses(["1", "2", "3"]))
    deployment.add("NL0001", "a.ttl")
    bring(deployment)
    deployment.run()
    return deployment


def test_d_09_the_registry_graph_has_every_imported_institution(published: Any) -> None:
    assert registry_values(published, "NL0002", f"{ROV}legalName") == {
        '"University B"@en',
        '"University B (official)"@und',
    }
    assert "<https://data.deqar.eu/institution/1>" in registry_values(published, "NL0001", f"{OWL}sameAs")
    assert registry_values(published, "NL0001", f"{ROV}legalName") == {
        '"University NL0001"@und',
        '"University A"@en',
    }
    assert published.released() == {"NL0001": 3}


def test_the_configured_institutions_learn_what_registers_know(published: Any) -> None:
    (institution,) = apply_registry(published.config()).config.institutions
    assert (institution.schac, institution.website, institution.country) == (
        "a.example",
        "https://www.a.example",
        "NLD",
    )
    assert "urn:schac:uniqueCourseId:a.example:1" in published.graph("NL0001")


def test_a_run_without_changes_makes_no_release_and_reads_no_import(
    published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_folder: Path) -> None:
        raise AssertionError("the imports were read again")

    monkeypatch.setattr("qlink_ld.pipeline.registry.load_registry", fail)
    summary = published.run()
    assert summary.release is None
    assert [report.status for report in summary.reports] == ["unchanged"]


def test_an_unchanged_import_makes_no_release_and_a_changed_one_does(published: Any) -> None:
    bring(published)
    assert published.run().release is None
    bring(published, [*PROVIDERS, provider(4, "NL0004", "d.example", "University D")])
    summary = published.run()
    assert summary.release is not None
    assert summary.reports[0].status == "unchanged"  # what it knows of NL0001 is the same
    assert [*summary.release.info["changes"]["graphs"]] == [
        graph for graph in summary.release.info["changes"]["graphs"] if "institutions" not in graph
    ]
    assert registry_values(published, "NL0004", f"{ROV}legalName")


def test_the_registry_graph_is_kept_as_a_file_and_made_anew_if_it_is_lost(published: Any) -> None:
    config = published.config()
    file = published.data / "registry" / "graph.nq.gz"
    before = hash_file(file)
    file.unlink()
    graph = describe_all(config, apply_registry(config))
    assert not isinstance(graph, str)
    assert (graph.path, hash_file(file)) == (file, before)


def test_a_damaged_import_is_named_with_its_line(published: Any) -> None:
    file = published.data / "registry" / "deqar.jsonl"
    file.write_text(file.read_text() + '{"register": "deqar"}\n')
    with pytest.raises(RegistryError, match=r"deqar\.jsonl:4 cannot be read: .* `qlink-ld registry import deqar`"):
        published.run()


def test_two_configured_institutions_that_registers_have_as_one_are_told(published: Any) -> None:
    config = published.config()
    twin = Institution("twin", "Twin", schac="a.example")
    known = apply_registry(replace(config, institutions=(*config.institutions, twin)))
    assert known.messages == ("twin: the registers have it and NL0001 as one institution, NL0001",)
    assert known.config.institutions[1].website is None


def test_d_18_imported_institutions_are_not_harvested_unless_the_operator_says_so(published: Any) -> None:
    assert [report.institution for report in published.run().reports] == ["NL0001"]
    with pytest.raises(ConfigurationError, match="'NL0002' is not in the configuration"):
        published.run("NL0002")


def test_d_18_t_02_with_the_switch_recognised_institutions_are_harvested_by_their_manifest(
    published: Any, courses: Courses
) -> None:
    with HTTPServer(host="127.0.0.1", port=0) as server:
        manifest = {"sources": [{"type": "elm", "path": server.url_for("/b.ttl"), "version": "3.3"}]}
        server.expect_request("/.well-known/quality-link-manifest").respond_with_json(manifest)
        server.expect_request("/b.ttl").respond_with_data(courses(["7", "8"]), content_type="text/turtle")
        providers = [
            PROVIDERS[0],
            {**PROVIDERS[1], "website_link": server.url_for("/")},
            provider(5, "NL0005", "e.invalid", "University E"),
            PROVIDERS[2],
        ]
        bring(published, providers)
        published.head += (
            '[registry]\nharvest = "recognised"\ncountries = ["NLD"]\n'
            '[discovery]\nresolvers = ["127.0.0.1:1"]\ndns_timeout_s = 0.2\ntimeout_s = 2\n'
        )
        assert apply_registry(published.config()).imported == {"NL0002", "NL0005"}
        summary = published.run()
    assert [report.institution for report in summary.reports] == ["NL0001", "NL0002"]
    assert summary.silent == 1  # it has no manifest, as most have not yet
    assert published.released() == {"NL0001": 3, "NL0002": 2}
    assert summary.release is not None
    assert not any("NL0005" in graph for graph in summary.release.info["graphs"])


def test_c_12_people_find_an_imported_institution_by_any_code(published: Any) -> None:
    config = published.config()
    found = [find_imported(config, name) for name in ("nl0002", "B.example", "DEQARINST0002")]
    assert {institution.id if institution else None for institution in found} == {"NL0002"}
    assert find_imported(config, "nobody") is None


def test_without_imports_nothing_changes(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(["1"]))
    deployment.add("NL0001", "a.ttl")
    config = deployment.config()
    assert apply_registry(config).config is config
    assert isinstance(describe_all(config, apply_registry(config)), str)
    assert not (deployment.data / "registry").exists()


def test_the_same_codes_in_any_spelling_are_one(deployment: Any) -> None:
    deployment.add("nl0001", "a.ttl")
    bring(deployment)
    (institution,) = apply_registry(deployment.config()).config.institutions
    assert institution.schac == "a.example"


FORMER = """\
<https://x.example/org> a ql:HigherEducationInstitution ; adms:identifier <https://x.example/org#schac> .
<https://x.example/org#schac> a ql:SchacIdentifier ; elm:schemeId ql:Schac ; skos:notation "old.example" .
<https://courses.example/1> dcterms:publisher <https://x.example/org> ;
  <http://www.w3.org/2002/07/owl#sameAs> <urn:schac:uniqueCourseId:old.example:1> .
"""


@pytest.mark.parametrize(("settings", "published"), [('previous_schac = ["old.example"]', 1), ("", 0)])
def test_c_12_a_source_may_still_call_its_institution_by_a_former_schac_code(
    deployment: Any, courses: Courses, settings: str, published: int
) -> None:
    deployment.write("a.ttl", courses(["1"]) + FORMER)
    deployment.add("NL0001", "a.ttl", settings=f'schac = "new.example"\n{settings}')
    report = deployment.report("NL0001")
    assert report.published == published
    foreign = [issue.code for issue in report.issues if issue.code == "course-identifier-foreign"]
    assert len(foreign) == 1 - published

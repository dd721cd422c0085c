"""`rdf.toml`: what is wrong in it is named with file and member."""

from pathlib import Path

import pytest

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.rdf_spec import RdfSpec, WrapSpec, read_rdf_spec


def read(folder: Path, text: str) -> RdfSpec:
    (folder / "rdf.toml").write_text(text, encoding="utf-8")
    read_rdf_spec.cache_clear()
    return read_rdf_spec(folder)


def test_a_folder_without_one_brings_nothing_to_one_form(tmp_path: Path) -> None:
    assert read_rdf_spec(tmp_path) == RdfSpec()


def test_members_are_read_and_contexts_loaded_once(tmp_path: Path) -> None:
    (tmp_path / "c.jsonld").write_text('{"@context": {"a": "urn:x:a"}}', encoding="utf-8")
    spec = read(
        tmp_path,
        """
        texts = ["urn:x:t"]
        local = ["urn:y:", "urn:x:"]
        [contexts]
        "urn:x:1" = "c.jsonld"
        "urn:x:2" = "c.jsonld"
        [concepts]
        "urn:x:l" = "language"
        [nodes]
        "urn:x:n" = { class = "urn:x:C", value = "urn:x:v", whole = true }
        """,
    )
    assert spec.texts == {"urn:x:t"}
    assert spec.local == ("urn:x:", "urn:y:")
    assert spec.contexts["urn:x:1"] is spec.contexts["urn:x:2"]
    assert spec.nodes == {"urn:x:n": WrapSpec("urn:x:C", "urn:x:v", whole=True)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", "unknown member 'colour'; allowed: concepts"),
        ("texts = 'a'", "'texts' must be a list of IRIs"),
        ("concepts = 1", r"\[concepts\] must be a table"),
        ('[concepts]\n"urn:x:a" = "colours"', "there is no vocabulary 'colours'"),
        ('[contexts]\n"urn:x:a" = 5', r"\[contexts\] urn:x:a must be text"),
        ('[contexts]\n"urn:x:a" = "none.jsonld"', r"none\.jsonld: cannot read this JSON-LD context"),
        ('[nodes]\n"urn:x:a" = { class = "urn:x:C" }', r"\[nodes\] urn:x:a lacks 'value'"),
        ("texts =", r"rdf\.toml: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BrokenMapping, match=words):
        read(tmp_path, text)

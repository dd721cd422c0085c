"""Both engines behind one protocol: equal results, equal refusals, plain messages."""

from pathlib import Path

import pytest

from qlink_ld.errors import ConfigurationError, ValidationError
from qlink_ld.model import Result
from qlink_ld.namespaces import OWL, RDF, RDFS, SH, XSD
from qlink_ld.validate.engine import ENGINES, load_engine

PREFIXES = (
    f"@prefix sh: <{SH}> . @prefix rdf: <{RDF}> . @prefix rdfs: <{RDFS}> . @prefix owl: <{OWL}> ."
    f" @prefix xsd: <{XSD}> . @prefix ex: <urn:ex:> .\n"
)


def _write(tmp_path: Path, turtle: str, name: str = "shapes.ttl") -> Path:
    file = tmp_path / name
    file.write_text(PREFIXES + turtle)
    return file


def _validate(file: Path, data: str) -> tuple[Result, ...]:
    first, second = (load_engine(name, [file]).validate(data) for name in ENGINES)
    assert first == second
    return first


def _components(results: tuple[Result, ...]) -> list[str]:
    return [result.component.removesuffix("ConstraintComponent") for result in results]


def test_nothing_is_said_of_data_that_conforms(tmp_path: Path) -> None:
    file = _write(tmp_path, "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:minCount 1 ] .")
    assert _validate(file, '<urn:ex:n> <urn:ex:p> "x" .\n') == ()
    assert _components(_validate(file, "")) == ["MinCount"]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("sh:Violation", "violation"),
        ("sh:Warning", "warning"),
        ("sh:Info", "info"),
        ("ex:Catastrophe", "violation"),
    ],
)
def test_severities_are_ours_and_unknown_ones_count_as_violations(tmp_path: Path, severity: str, expected: str) -> None:
    file = _write(
        tmp_path,
        f"ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property ex:p1 ."
        f" ex:p1 sh:path ex:p ; sh:minCount 1 ; sh:severity {severity} .",
    )
    (result,) = _validate(file, "")
    assert result.severity == expected
    assert result.shape == "<urn:ex:p1>"


def test_a_shape_that_is_an_owl_class_targets_it(tmp_path: Path) -> None:
    file = _write(tmp_path, "ex:C a owl:Class, sh:NodeShape ; sh:property [ sh:path ex:p ; sh:minCount 1 ] .")
    (result,) = _validate(file, f"<urn:ex:n> <{RDF}type> <urn:ex:C> .\n")
    assert (result.focus_node, result.path, result.shape) == ("<urn:ex:n>", "<urn:ex:p>", "<urn:ex:C>")


def test_languages_are_compared_without_case(tmp_path: Path) -> None:
    file = _write(
        tmp_path, "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:uniqueLang true ] ."
    )
    data = '<urn:ex:n> <urn:ex:p> "a"@{} .\n<urn:ex:n> <urn:ex:p> "b"@{} .\n'
    assert _components(_validate(file, data.format("en-GB", "EN-gb"))) == ["UniqueLang"]
    assert _validate(file, data.format("en", "en-gb")) == ()


@pytest.mark.parametrize(
    ("datatype", "lexical"),
    [
        ("dateTime", "x"),
        ("dateTime", "2026-01-01"),
        ("duration", "P1W"),
        ("boolean", "yes"),
        ("nonNegativeInteger", "-1"),
        ("positiveInteger", "0"),
    ],
)
def test_ill_typed_literals_violate_a_datatype_without_a_warning_of_a_library(
    tmp_path: Path, datatype: str, lexical: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = _write(
        tmp_path,
        f"ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:datatype xsd:{datatype} ] .",
    )
    (result,) = _validate(file, f'<urn:ex:n> <urn:ex:p> "{lexical}"^^<{XSD}{datatype}> .\n')
    assert result.value == f'"{lexical}"^^<{XSD}{datatype}>'
    assert not caplog.records


@pytest.mark.parametrize("lexical", ["-0044-03-15T00:00:00Z", "2026-01-01T24:00:00", "0000-01-01T00:00:00"])
def test_dates_that_python_cannot_hold_are_well_typed(tmp_path: Path, lexical: str) -> None:
    file = _write(
        tmp_path, "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:datatype xsd:dateTime ] ."
    )
    assert _validate(file, f'<urn:ex:n> <urn:ex:p> "{lexical}"^^<{XSD}dateTime> .\n') == ()


@pytest.mark.parametrize(
    ("constraint", "value", "component"),
    [
        ("sh:or ( [ sh:class ex:A ] [ sh:class ex:B ] )", "<urn:ex:x>", "Or"),
        ("sh:or ( [ sh:class ex:A ] [ sh:datatype xsd:string ] )", '"x"@en', "Or"),
        ('sh:pattern "^(INT|[A-Z]{2})[0-9]{4}$"', '"AT00011"', "Pattern"),
        ('sh:pattern "^a" ; sh:flags "i"', '"b"', "Pattern"),
        ("sh:nodeKind sh:IRI", '"x"', "NodeKind"),
        ("sh:nodeKind sh:Literal", "_:b", "NodeKind"),
        ("sh:hasValue ex:y", "<urn:ex:x>", "HasValue"),
        ("sh:in ( ex:y )", "<urn:ex:x>", "In"),
        ('sh:languageIn ( "en" )', '"x"@nl', "LanguageIn"),
        ("sh:maxLength 2", '"abc"', "MaxLength"),
        ("sh:maxInclusive 100", f'"180"^^<{XSD}nonNegativeInteger>', "MaxInclusive"),
        ("sh:node [ sh:property [ sh:path ex:q ; sh:minCount 1 ] ]", "<urn:ex:x>", "Node"),
        ("sh:not [ sh:class ex:A ]", "<urn:ex:a>", "Not"),
    ],
)
def test_engines_agree_on_constraint(tmp_path: Path, constraint: str, value: str, component: str) -> None:
    file = _write(tmp_path, f"ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; {constraint} ] .")
    data = f"<urn:ex:a> <{RDF}type> <urn:ex:A> .\n<urn:ex:n> <urn:ex:p> {value} .\n"
    (result,) = _validate(file, data)
    assert result.component == f"{component}ConstraintComponent"
    assert result.focus_node == "<urn:ex:n>"
    assert result.message.endswith((".", "it."))
    assert "{" not in result.message


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("2026-09-01T00:00:00", "2027-01-31T00:00:00Z", 0),  # a zone more or less does not matter
        ("2027-09-01T00:00:00", "2027-01-31T00:00:00Z", 1),
        ("2026-09-01T00:00:00", "2026-09-01T10:00:00Z", 1),  # nobody can tell
        ("2026-09-01", "2027-01-31T00:00:00Z", 1),
    ],
)
def test_engines_agree_on_the_order_of_dates(tmp_path: Path, start: str, end: str, count: int) -> None:
    file = _write(
        tmp_path, "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:lessThanOrEquals ex:q ] ."
    )
    data = f'<urn:ex:n> <urn:ex:p> "{start}"^^<{XSD}dateTime> .\n<urn:ex:n> <urn:ex:q> "{end}"^^<{XSD}dateTime> .\n'
    assert len(_validate(file, data)) == count


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("( ex:p ex:q )", "(<urn:ex:p>/<urn:ex:q>)"),
        ("[ sh:inversePath ex:p ]", "^<urn:ex:p>"),
        ("[ sh:alternativePath ( ex:p ex:q ) ]", "(<urn:ex:p>|<urn:ex:q>)"),
        ("[ sh:oneOrMorePath ex:p ]", "(<urn:ex:p>)+"),
        ("( ex:p [ sh:zeroOrMorePath ex:q ] )", "(<urn:ex:p>/(<urn:ex:q>)*)"),
    ],
)
def test_compound_paths_are_written_as_property_paths(tmp_path: Path, path: str, written: str) -> None:
    file = _write(
        tmp_path, f"ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path {path} ; sh:minCount 5 ] ."
    )
    (result,) = _validate(file, "")
    assert result.path == written


def test_blank_nodes_keep_their_labels(tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        "ex:s a sh:NodeShape ; sh:targetClass ex:C ; sh:property [ sh:path ex:p ; sh:class ex:D ; sh:minCount 2 ] .",
    )
    data = f'_:one <{RDF}type> <urn:ex:C> .\n_:one <urn:ex:p> _:two.b .\n_:one <urn:ex:q> "in a text: _:three ." .\n'
    results = _validate(file, data)
    assert {result.focus_node for result in results} == {"_:one"}
    assert {result.value for result in results} == {None, "_:two.b"}


def test_shapes_that_tell_blank_nodes_from_iris_see_blank_nodes(tmp_path: Path) -> None:
    file = _write(
        tmp_path, "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:nodeKind sh:IRI ] ."
    )
    for name in ENGINES:
        (result,) = load_engine(name, [file]).validate("<urn:ex:n> <urn:ex:p> _:b .\n")
        assert result.component == "NodeKindConstraintComponent"
        assert str(result.value).startswith("_:")


def test_messages_are_the_shapes_own_in_english(tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property ["
        ' sh:path ex:p ; sh:minCount 1 ; sh:message "Es fehlt."@de , "It is missing."@en ] .',
    )
    (result,) = _validate(file, "")
    assert result.message == "It is missing."


def test_shapes_without_messages_get_a_plain_sentence(tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:class ex:C ;"
        " sh:property [ sh:path rdfs:label ; sh:minCount 1 ] .",
    )
    about_class, about_count = (result.message for result in _validate(file, ""))
    assert about_class == (
        "urn:ex:n is not of the class that the shape urn:ex:s asks for, or is not known as such. "
        "Use a known IRI, or state its type in the data."
    )
    assert about_count == "There are not enough values for rdfs:label. Add what is missing."


def test_shapes_from_several_files_and_formats_act_together(tmp_path: Path) -> None:
    one = _write(
        tmp_path, "ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property ex:p1 , [ sh:path ex:p ; sh:maxCount 0 ] ."
    )
    two = tmp_path / "two.nt"
    two.write_text(f"<urn:ex:p1> <{SH}path> <urn:ex:p> .\n_:x <{SH}path> <urn:ex:q> .\n"
                   f'<urn:ex:p1> <{SH}minCount> "2"^^<{XSD}integer> .\n')  # fmt: skip
    for name in ENGINES:
        results = load_engine(name, [one, two]).validate('<urn:ex:n> <urn:ex:p> "x" .\n')
        assert _components(results) == ["MaxCount", "MinCount"]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("turtle", "said"),
    [
        ("ex:s a sh:NodeShape ; sh:targetNode ex:n ;;; sh:property [ .", "shapes.ttl:2 is not valid RDF"),
        ("ex:s a ex:Thing .", "no SHACL shapes in"),
        (
            'ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:minCount "a" ] .',
            "shapes.ttl cannot be used",
        ),
        (
            'ex:s a sh:NodeShape ; sh:targetNode ex:n ; sh:property [ sh:path ex:p ; sh:pattern "(" ] .',
            "shapes.ttl cannot be used",
        ),
    ],
)
def test_malformed_shapes_are_refused_by_name(tmp_path: Path, name: str, turtle: str, said: str) -> None:
    good = _write(tmp_path, "ex:t a sh:NodeShape ; sh:targetNode ex:n ; sh:nodeKind sh:IRI .", "good.ttl")
    bad = _write(tmp_path, turtle)
    with pytest.raises(ValidationError) as error:
        load_engine(name, [bad] if "no SHACL" in said else [good, bad])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ENGINES)
def test_shapes_files_that_cannot_be_read_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match=r"nowhere\.ttl cannot be read: No such file"):
        load_engine(name, [tmp_path / "nowhere.ttl"])
    (tmp_path / "shapes.docx").write_text("x")
    with pytest.raises(ValidationError, match=r"the suffix '\.docx' is not known: use \.ttl"):
        load_engine(name, [tmp_path / "shapes.docx"])


@pytest.mark.parametrize("name", ENGINES)
def test_data_that_is_not_n_triples_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="must be N-Triples"):
        load_engine(name).validate("<urn:a> <urn:b> ")


def test_an_unknown_engine_is_wrong_use() -> None:
    with pytest.raises(ConfigurationError, match="use shacl or pyshacl"):
        load_engine("jena")


def test_both_engines_say_nothing_of_no_data() -> None:
    assert [load_engine(name).validate("") for name in ENGINES] == [(), ()]

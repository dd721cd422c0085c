"""Acceptance of the mapping of JSON sources: nothing is lost, and the output is the same, whatever the input."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, RdfFormat, parse

from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.universities import ALTAVALLE, NORDHAIN, University
from qlink_ld.mapping import load_mapping
from qlink_ld.mapping.context import compile_context

Both = Callable[..., Any]
SAMPLES = (
    ("courses", "courses.json"),
    ("programs", "programs.json"),
    ("organizations", "organizations.json"),
    ("academic-sessions", "academic-sessions.json"),
)
SAMPLE_ID = "123e4567-e89b-12d3-a456-426614174000"
FEW = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="session")
def samples(shared: Path) -> dict[str, Any]:
    """The sample payloads of a whole OOAPI v5 server."""
    folder = shared / "samples/ooapi-v5"
    pages: dict[str, Any] = {resource: json.loads((folder / name).read_bytes()) for resource, name in SAMPLES}
    for kind in ("course", "program"):
        page = json.loads((folder / f"{kind}-offerings.json").read_bytes())
        pages[f"{kind}-offerings"] = {SAMPLE_ID: page}
    return pages


def catalogue_pages(university: University, file: str) -> dict[str, Any]:
    catalogue = load_catalogue(university, file)
    pages: dict[str, Any] = {name: {"items": list(items)} for name, items in catalogue.collections.items()}
    pages.pop("education-specifications", None)
    for (collection, identifier, child), items in catalogue.children.items():
        pages.setdefault(f"{collection[:-1]}-{child}", {})[identifier] = {"items": list(items)}
    return pages


# The crosswalk's whole table -----------------------------------------------------------------------------------------


def read_properties(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return read_properties(schemas, schemas[schema["$ref"].rpartition("/")[2]])
    found = dict(schema.get("properties", {}))
    for keyword in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(keyword, []):
            found.update(read_properties(schemas, part))
    return found


@pytest.mark.parametrize(
    ("schema", "resource", "path"),
    [
        ("Course", "courses", ""),
        ("Program", "programs", ""),
        ("CourseExpanded", "courses", ""),
        ("ProgramExpanded", "programs", ""),
        ("CourseOffering", "courses", "offerings."),
        ("ProgramOffering", "programs", "offerings."),
        ("Organization", "organizations", ""),
        ("Address", "courses", "addresses."),
        ("Cost", "courses", "offerings.priceInformation."),
    ],
)
def test_each_property_of_the_official_schema_has_a_place(shared: Path, schema: str, resource: str, path: str) -> None:
    schemas = json.loads((shared / "reference/openapi/ooapi-v5.json").read_bytes())["components"]["schemas"]
    mapping = load_mapping("ooapi-5")
    spec = next(spec for spec in mapping.resources if spec.name == resource)
    context = compile_context(spec.context)
    for key in path.split(".")[:-1]:
        context = context.scope(key)
    read = frozenset().union(*(rule.reads or () for rule in mapping.rules))
    missing = [
        name
        for name in read_properties(schemas, schemas[schema])
        if name not in context.terms
        and not any(key in mapping.ignore for key in (name, f"{resource}.{path}{name}", f"{path}{name}"))
        and name not in mapping.joins
        and name not in mapping.references
        and f"urn:qlink-ld:source:{name}" not in read
    ]
    assert not missing, f"{schema}: name these in the context, under [ignore] with a reason, or in a rule: {missing}"


@pytest.mark.parametrize("schema", ["Course", "Program", "CourseOffering", "ProgramOffering", "Organization"])
def test_example_values_of_the_official_schema_are_never_unmapped(shared: Path, convert: Both, schema: str) -> None:
    schemas = json.loads((shared / "reference/openapi/ooapi-v5.json").read_bytes())["components"]["schemas"]
    record = {
        name: example(schemas, {"$ref": f"#/components/schemas/{name}"} if name in schemas else property_)
        for name, property_ in read_properties(schemas, schemas[schema]).items()
    }
    pages: dict[str, Any] = {
        "courses": {"items": [{"courseId": "C1"}]},
        "programs": {"items": [{"programId": "P1"}]},
    }
    if schema == "CourseOffering":
        pages["course-offerings"] = {"C1": {"items": [{**record, "offeringId": "O1"}]}}
    elif schema == "ProgramOffering":
        pages["program-offerings"] = {"P1": {"items": [{**record, "offeringId": "O1"}]}}
    else:
        key = f"{schema.lower()}Id"
        pages[f"{schema.lower()}s"] = {"items": [{**record, key: "X1", "organizationType": "root"}]}
    unmapped = [f"{use.resource}.{use.path}" for use in convert(pages).fields if use.outcome == "unmapped"]
    assert not unmapped


def example(schemas: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Any:
    """A value of a schema: its example, its first allowed value, or one made from its parts."""
    if "$ref" in schema:
        return example(schemas, schemas[schema["$ref"].rpartition("/")[2]], depth + 1)
    if "example" in schema:
        return schema["example"]
    if schema.get("enum"):
        return schema["enum"][0]
    if depth > 6:
        return "x"
    if schema.get("type") == "array":
        return [example(schemas, schema["items"], depth + 1)]
    if "oneOf" in schema:
        return example(schemas, schema["oneOf"][0], depth + 1)
    if properties := read_properties(schemas, schema):
        return {name: example(schemas, part, depth + 1) for name, part in properties.items() if name != "consumers"}
    return {"boolean": True, "integer": 1, "number": 1.5}.get(str(schema.get("type")), "x")


# Nothing is lost -----------------------------------------------------------------------------------------------------


def find_texts(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("value"), str) and "language" in value:
            yield value["value"], value["language"].lower()
        for member in value.values():
            yield from find_texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from find_texts(member)


def test_all_text_of_all_languages_in_the_samples_is_in_the_output(samples: dict[str, Any], convert: Both) -> None:
    converted = convert(samples)
    assert len(converted.records) == 3
    found = {
        (quad.object.value, quad.object.language)
        for quad in parse(converted.ntriples.encode(), format=RdfFormat.N_TRIPLES)
        if isinstance(quad.object, Literal)
    }
    expected = set(find_texts(samples))
    assert len(expected) > 10
    assert expected <= found
    assert not [use for use in converted.fields if use.outcome in ("unmapped", "dropped")]


TEXTS = {
    "name", "description", "admissionRequirements", "qualificationRequirements", "enrollment", "assessment", "text",
    "outcome", "additional", "displayAmount", "shortName", "city", "learningOutcomes",
}  # fmt: skip


def account_for(fields: Any) -> int:
    return sum(use.count for use in fields)


def test_each_leaf_of_the_samples_is_accounted_for(samples: dict[str, Any], convert: Both) -> None:
    for resource in ("courses", "programs", "organizations"):
        record = samples[resource]["items"][0]
        assert account_for(convert({resource: {"items": [record]}}).fields) == count_scalars(record)


def test_each_leaf_of_an_offering_is_accounted_for(samples: dict[str, Any], convert: Both) -> None:
    offering = samples["course-offerings"][SAMPLE_ID]["items"][0]
    alone = {"courses": {"items": [{"courseId": "C1"}]}}
    assert account_for(convert(alone).fields) == 1
    with_offering = {**alone, "course-offerings": {"C1": {"items": [offering]}}}
    assert account_for(convert(with_offering).fields) == 1 + count_scalars(offering)


def test_what_offerings_inherit_counts_once_where_it_first_lands(convert: Both) -> None:
    course = {"courseId": "C1", "modeOfDelivery": ["online", "hybrid"], "teachingLanguage": "eng"}
    pages = {
        "courses": {"items": [course]},
        "course-offerings": {
            "C1": {"items": [{"offeringId": "O1"}, {"offeringId": "O2", "modeOfDelivery": ["online"]}]}
        },
    }
    counts = {(use.path, use.outcome): use.count for use in convert(pages).fields}
    assert counts == {
        ("courseId", "mapped"): 1,
        ("teachingLanguage", "mapped"): 1,
        ("offerings.offeringId", "mapped"): 2,
        ("offerings.modeOfDelivery", "mapped"): 3,
    }


def test_every_outcome_that_keeps_nothing_has_a_reason(convert: Both) -> None:
    course = {"courseId": "C1", "coordinators": ["x"], "link": "no link", "level": "bachelor"}
    uses = {use.path: use for use in convert({"courses": {"items": [course]}}).fields}
    assert (uses["coordinators"].outcome, uses["coordinators"].reason) == ("ignored", "personal data")
    assert (uses["link"].outcome, uses["link"].reason) == ("dropped", "not a value of type anyURI")
    assert (uses["level"].outcome, uses["level"].example) == ("mapped", "bachelor")


# The same input gives the same output --------------------------------------------------------------------------------


def shuffle(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffle(value[key], dice) for key in keys}
    return [shuffle(member, dice) for member in value] if isinstance(value, list) else value


def test_converting_twice_and_with_keys_shuffled_gives_the_same(samples: dict[str, Any], convert: Both) -> None:
    first = convert(samples)
    assert convert(samples) == first
    for seed in range(5):
        assert convert(shuffle(samples, random.Random(seed))).mapped == first.mapped


def test_shuffled_faults_give_the_same_issues(convert: Both) -> None:
    courses = [
        {"courseId": f"C{n}", "fieldsOfStudy": code, "level": "undivided", "teachingLanguage": "xxx", "link": "no"}
        for n, code in enumerate(["617", "x", "613", "75.1", "0613"])
    ]
    first = convert({"courses": {"items": courses}})
    assert len(first.issues) == 5
    for seed in range(5):
        shuffled = convert({"courses": {"items": shuffle(courses, random.Random(seed))}})
        assert (shuffled.mapped, shuffled.issues) == (first.mapped, first.issues)


@pytest.mark.parametrize(("university", "file"), [(NORDHAIN, "nordhain"), (ALTAVALLE, "altavalle")])
def test_the_demo_catalogue_is_the_same_both_ways(university: University, file: str, assert_both_ways: Both) -> None:
    pages = catalogue_pages(university, file)
    for name in ("courses", "programs"):
        pages[name]["items"] = pages[name]["items"][:15] if name in pages else []
    ids = {
        item[key] for name, key in (("courses", "courseId"), ("programs", "programId")) for item in pages[name]["items"]
    }
    for name in [name for name in pages if name.endswith(("-offerings", "-courses"))]:
        pages[name] = {parent: page for parent, page in pages[name].items() if parent in ids}
    converted = assert_both_ways(pages)
    assert len(converted.records) > 15
    assert not [use for use in converted.fields if use.outcome in ("unmapped", "dropped")]


def test_the_samples_are_the_same_both_ways(samples: dict[str, Any], assert_both_ways: Both) -> None:
    assert_both_ways(samples)


# Whatever comes ------------------------------------------------------------------------------------------------------

nasty_text = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "", " ", "\n", 'a"b', "back\\slash", "\\u0041", "tab\t", "\x00", "\x1f\x7f\x85\u2028\u2029", "\ufffe\uffff",
            "http://a b", "_:b0", "elm:Course", "@id", "@type", "source:x", "urn:qlink-ld:source:x", "urn:x-self:",
            "urn:x-parent:", "urn:x-code:", "<x>", "a:b", "//x", " .\n", "🎓", "x" * 3000, "NaN", "1e400", "P1W",
            "0613", "eng", "en-GB", "und", "ects", "hour", "2025-02-30", "2025-09-01", "www.example.org",
            "https://example.org/",
        ]
    ),
)  # fmt: skip
nasty_scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    nasty_text,
)
nasty_key = st.sampled_from(
    ["@id", "@type", "@value", "@context", "a:b", "a b", "value", "language", "name", "code", "x"]
)
anything = st.recursive(
    nasty_scalar,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(nasty_key, inner, max_size=3)),
    max_leaves=6,
)
tag = st.one_of(st.sampled_from(["en", "nl-NL", "zh-Hans-CN", "xx-", "not a tag", "EN", "en_GB", ""]), nasty_scalar)
texts = st.lists(
    st.one_of(
        st.fixed_dictionaries({"value": nasty_text}, optional={"language": tag, "extra": nasty_scalar}), anything
    ),
    max_size=3,
)
codes = st.one_of(st.fixed_dictionaries({"codeType": nasty_text, "code": nasty_scalar}), anything)
address = st.fixed_dictionaries(
    {"addressType": st.sampled_from(["teaching", "visit", "postal"])},
    optional={
        "city": st.one_of(nasty_text, texts),
        "countryCode": st.sampled_from(["NL", "el", "XX", ""]),
        "street": nasty_scalar,
        "additional": texts,
        "geolocation": st.fixed_dictionaries({"latitude": nasty_scalar, "longitude": nasty_scalar}),
        "x": anything,
    },
)
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "primaryCode": codes,
    "otherCodes": st.lists(codes, max_size=2),
    "abbreviation": nasty_text,
    "name": texts,
    "description": texts,
    "teachingLanguage": st.one_of(st.sampled_from(["eng", "nl", "xxx", "EN-gb"]), anything),
    "modeOfDelivery": st.one_of(st.lists(st.sampled_from(["online", "hybrid", "?"]), max_size=2), anything),
    "link": st.one_of(nasty_text, anything),
    "addresses": st.one_of(st.lists(st.one_of(address, anything), max_size=2), anything),
    "organization": st.one_of(st.sampled_from(["root", "unit"]), anything),
    "ext": anything,
    "@type": anything,
    "dcterms:title": anything,
}
record = st.fixed_dictionaries(
    {},
    optional={
        **COMMON,
        "fieldsOfStudy": st.one_of(st.sampled_from(["0613", 613, "06.13", "?"]), anything),
        "level": st.one_of(st.sampled_from(["bachelor", "undefined"]), anything),
        "learningOutcomes": st.one_of(st.lists(texts, max_size=2), anything),
        "studyLoad": st.one_of(st.fixed_dictionaries({"studyLoadUnit": nasty_text, "value": nasty_scalar}), anything),
        "assessment": texts,
        "enrollment": texts,
        "resources": st.one_of(st.lists(nasty_scalar, max_size=3), anything),
        "duration": st.one_of(st.just("P6M"), anything),
        "programs": st.one_of(st.lists(nasty_text, max_size=2), anything),
        "validFrom": st.one_of(st.just("2025-01-01"), anything),
        "validTo": anything,
    },
)
offering = st.fixed_dictionaries(
    {"offeringId": st.one_of(st.sampled_from(["O1", "O2", "O/3"]), nasty_scalar)},
    optional={
        **COMMON,
        "startDate": st.one_of(st.just("2025-09-01"), anything),
        "endDate": st.one_of(st.just("2025-09-01T10:00:00Z"), anything),
        "academicSession": st.one_of(st.just("S1"), anything),
        "maxNumberStudents": nasty_scalar,
        "priceInformation": st.lists(
            st.fixed_dictionaries(
                {"costType": nasty_scalar},
                optional={"amount": nasty_scalar, "currency": nasty_text, "displayAmount": texts},
            ),
            max_size=2,
        ),
    },
)
identifier = st.one_of(st.sampled_from(["C1", "C2", "C/3", "C 4"]), nasty_scalar)
course = st.builds(lambda key, rest: {**rest, "courseId": key}, identifier, record)
ROOT = {"organizationId": "root", "organizationType": "root", "name": [{"language": "en", "value": "Root"}]}
UNIT = {"organizationId": "unit", "organizationType": "faculty", "name": [{"language": "en", "value": "Unit"}]}


@FEW
@given(
    courses=st.lists(st.one_of(course, anything), max_size=3),
    offerings=st.lists(st.one_of(offering, anything), max_size=3),
    session=texts,
)
def test_random_records_are_good_both_ways(
    assert_both_ways: Both, courses: list[Any], offerings: list[Any], session: list[Any]
) -> None:
    pages = {
        "courses": {"items": [{"courseId": "good", "name": [{"language": "en", "value": "Good"}]}, *courses]},
        "course-offerings": {"C1": {"items": offerings}, "good": {"items": [{"offeringId": "good"}]}},
        "organizations": {"items": [ROOT, UNIT]},
        "academic-sessions": {"items": [{"academicSessionId": "S1", "name": session}]},
    }
    converted = assert_both_ways(pages)
    assert converted.records[0].key == "good"
    assert converted.records[0].instances == 1
    iris = [found.iri for found in converted.records]
    assert len(set(iris)) == len(iris)
    for found in converted.records:
        check_record(found.ntriples, found.iri)


def check_record(ntriples: str, iri: str) -> None:
    lines = ntriples.split("\n")
    assert lines.pop() == ""
    assert lines == sorted(set(lines))
    quads = list(parse(ntriples.encode(), format=RdfFormat.N_TRIPLES))
    assert len(quads) == len(lines)
    for quad in quads:
        terms = (quad.subject, quad.predicate, quad.object)
        assert not any(isinstance(term, BlankNode) for term in terms)
        assert not any(str(term).startswith("<urn:qlink-ld:") for term in terms)
        assert str(quad.subject)[1:].startswith(iri)


def count_scalars(value: Any) -> int:
    """Count leaves where nothing is a text property."""
    if isinstance(value, dict | list):
        return sum(count_scalars(member) for member in (value.values() if isinstance(value, dict) else value))
    return value not in (None, "")


def without_texts(value: Any) -> Any:
    """The value without members that are, or could be, text properties, and without what is joined."""
    if isinstance(value, dict):
        return {k: without_texts(v) for k, v in value.items() if k not in {*TEXTS, "addresses", "organization"}}
    return [without_texts(member) for member in value] if isinstance(value, list) else value


@FEW
@given(content=record)
def test_each_leaf_of_a_random_record_is_accounted_for(convert: Both, content: dict[str, Any]) -> None:
    made = {**without_texts(content), "courseId": "C1"}
    assert account_for(convert({"courses": {"items": [made]}}).fields) == count_scalars(made)


@FEW
@given(name=texts, assessment=texts)
def test_each_leaf_of_random_texts_is_accounted_for(convert: Both, name: list[Any], assessment: list[Any]) -> None:
    made = {"courseId": "C1", "name": name, "assessment": assessment}
    assert account_for(convert({"courses": {"items": [made]}}).fields) == count_scalars(made)


def test_a_page_as_servers_send_it_with_slips_is_read(convert: Both) -> None:
    body = b'\xef\xbb\xbf{"items": [{"courseId": "C1", "name": [{"language": "en", "value": "half \\ud83d pair"}]}]}'
    (found,) = convert({"courses": body}).records
    assert '"half \ufffd pair"@en' in found.ntriples
    body = b'{"items": [{"courseId": "C1", "studyLoad": {"studyLoadUnit": "ects", "value": NaN}}]}'
    assert len(convert({"courses": body}).records) == 1


def test_deeply_nested_values_cost_one_record_at_most(convert: Both) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    nodes: Any = {"city": "x"}
    for _ in range(60):
        nodes = {"addresses": [nodes]}
    good = {"courseId": "good"}
    for value in (deep, nodes):
        for key in (
            "ext",
            "colour",
            "name",
            "teachingLanguage",
            "link",
            "addresses",
            "studyLoad",
            "programs",
            "courseId",
        ):
            bad = {"courseId": "bad", key: value if value is deep or key != "addresses" else value["addresses"]}
            records = convert({"courses": {"items": [bad, good, value]}}).records
            assert records[-1].key == "good"
    unit = {"organizationId": "u", "organizationType": "faculty", "otherCodes": nodes, "name": deep}
    records = convert({"courses": {"items": [{"courseId": "C1", "organization": unit}, good]}}).records
    assert records[-1].key == "good"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>", "page-unreadable"),
        (b'{"items": [', "page-unreadable"),
        (b'{"data": []}', "page-without-records"),
        (b'{"items": {"a": 1}}', "page-without-records"),
        (b"[]", "page-without-records"),
    ],
)
def test_a_page_that_cannot_be_read_is_reported_and_costs_no_other(convert: Both, body: bytes, code: str) -> None:
    converted = convert({"courses": body, "programs": {"items": [{"programId": "P1"}]}})
    assert [issue.code for issue in converted.issues] == [code]
    assert converted.issues[0].position == "memory:courses"
    assert [found.key for found in converted.records] == ["P1"]


def test_more_records_than_a_batch_keep_their_order_and_refusals(convert: Both) -> None:
    items: list[Any] = [{"courseId": f"C{n:04}"} if n % 100 else {"name": []} for n in range(1101)]
    converted = convert({"courses": {"items": items}})
    assert [found.key for found in converted.records] == [f"C{n:04}" for n in range(1101) if n % 100]
    assert len(converted.refusals) == 12


def test_without_schac_code_there_is_no_course_identifier(convert: Both) -> None:
    (found,) = convert({"courses": {"items": [{"courseId": "C1"}]}}, schac=None).records
    assert "uniqueCourseId" not in found.ntriples
    assert "sameAs" not in found.ntriples


def test_records_that_nobody_wants_are_not_missed_for_their_identifier(convert: Both) -> None:
    pages = {"organizations": {"items": [{"organizationType": "faculty"}, {"organizationType": "root"}]}}
    done = convert(pages)
    (refusal,) = done.refusals
    assert refusal.opportunities == 0  # an institution is no learning opportunity
    assert refusal.position.endswith("item 2")
    (left_out,) = [use for use in done.fields if use.outcome == "ignored"]
    assert left_out.reason == "only records with organizationType root are mapped"


def test_an_institution_without_identifier_does_not_displace_the_one_that_has_one(convert: Both) -> None:
    root = {"organizationType": "root", "name": [{"language": "en", "value": "Twente"}]}
    pages = {"organizations": {"items": [{**root, "organizationId": " "}, {**root, "organizationId": "o1"}]}}
    done = convert(pages)
    (record,) = done.records
    assert record.key == "o1"

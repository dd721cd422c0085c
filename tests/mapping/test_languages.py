"""Languages come in every code there is, and mean the same concept in every format."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from qlink_ld.convert import convert_document
from qlink_ld.model import Institution
from qlink_ld.namespaces import DCTERMS, Iris

AUTHORITY = "http://publications.europa.eu/resource/authority/language/"
CODES = [  # ISO 639-1, 639-2/B, 639-2/T (639-3), with regions and scripts, in capitals, withdrawn
    ("nl", "NLD"), ("dut", "NLD"), ("nld", "NLD"), ("nl-BE", "NLD"), ("NL", "NLD"), ("NLD", "NLD"), ("nl_NL", "NLD"),
    ("ger", "DEU"), ("fre", "FRA"), ("cze", "CES"), ("gre", "ELL"), ("slo", "SLK"), ("rum", "RON"), ("wel", "CYM"),
    ("en-GB", "ENG"), ("sr-Latn", "SRP"), ("zh-Hans-CN", "ZHO"), ("hr", "HRV"), ("bs", "BOS"), ("no", "NOR"),
    ("iw", "HEB"), ("mo", "RON"), ("in", "IND"), ("sh", None), ("und", None), ("xx", None),
]  # fmt: skip


def make_documents(codes: list[str]) -> dict[str, object]:
    """A page of courses in each format, one course for each code, and an ELM file."""
    ids = [f"C{number}" for number in range(len(codes))]
    pairs = list(zip(ids, codes, strict=True))
    name = [{"language": "en", "value": "A"}]
    title = [{"recordLanguage": "en", "value": "A"}]

    def occapi(languages: Any) -> dict[str, object]:
        return {
            "data": [
                {"type": "course", "id": i, "attributes": {"languageOfInstruction": languages(c)}} for i, c in pairs
            ]
        }

    return {
        "ooapi-5": {"items": [{"courseId": i, "name": name, "teachingLanguage": c} for i, c in pairs]},
        "oeapi-6": {
            "items": [{"courseId": i, "name": name, "teachingLanguages": [c], "level": "master"} for i, c in pairs]
        },
        "edu-api-1": [
            {"sourcedId": i, "title": title, "courseType": "standard", "teachingLanguage": c} for i, c in pairs
        ],
        "occapi-1": occapi(lambda code: code),
        "occapi-2": occapi(lambda code: [code]),
        "elm": [
            {
                "@id": f"https://example.org/courses/NL0028/{i}",
                "@type": "http://data.europa.eu/snb/model/ontology/Qualification",
                f"{DCTERMS}language": c,
            }
            for i, c in pairs
        ],
    }


@pytest.mark.parametrize("mapping", ["ooapi-5", "oeapi-6", "edu-api-1", "occapi-1", "occapi-2", "elm"])
def test_every_code_means_its_concept(mapping: str) -> None:
    codes = [code for code, _ in CODES]
    body = orjson.dumps(make_documents(codes)[mapping])
    institution, iris = Institution("NL0028", "University of Twente"), Iris("https://example.org/")
    url = "https://source.example/courses" + (".json" if mapping != "edu-api-1" else "/courseTemplates.json")
    now = datetime(2026, 10, 1, tzinfo=UTC)
    result = convert_document(body, "application/json", url, mapping, institution, iris, now)
    found: dict[str, str] = {}
    for line in result.ntriples.split("\n"):
        subject, _, rest = line.partition(f"> <{DCTERMS}language> <{AUTHORITY}")
        if rest:
            found[subject.rpartition("/")[2]] = rest[:3]
    expected = {f"C{number}": concept for number, (_, concept) in enumerate(CODES) if concept}
    assert {codes[int(key[1:])]: value for key, value in found.items()} == {
        codes[int(key[1:])]: value for key, value in expected.items()
    }

"""Records with a common identifier are one institution; identifiers that two institutions share are reported."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from qlink_ld.registry.merge import Entry, Merged, merge_records
from qlink_ld.registry.record import Name, RegistryRecord


def record(register: str, key: str, codes: Iterable[str] = (), **more: Any) -> RegistryRecord:
    """A record; codes as `scheme:code`. EWP and HEI API are keyed by SCHAC code, DEQAR has its DEQARINST id."""
    pairs = [tuple(code.split(":", 1)) for code in codes]
    pairs.append(("deqarinst", f"DEQARINST{key}") if register == "deqar" else ("schac", key))
    identifiers = tuple(sorted({(scheme, code) for scheme, code in pairs}))
    return RegistryRecord(register, key, identifiers, more.pop("names", (Name(f"{register} {key}"),)), **more)


def ids(merged: Merged) -> dict[str, list[str]]:
    return {entry.id: [f"{r.register}:{r.key}" for r in entry.records] for entry in merged.entries}


def by_id(merged: Merged) -> Mapping[str, Entry]:
    return {entry.id: entry for entry in merged.entries}


@pytest.mark.parametrize("common", ["schac:a.nl", "pic:999900001", "erasmus:NL A01", "ror:01abcde23", "orgreg:NL0001"])
def test_d_09_records_with_a_common_identifier_are_one_institution(common: str) -> None:
    merged = merge_records([record("deqar", "1", [common, "orgreg:NL0001"]), record("ewp", "a.nl", [common])])
    assert ids(merged) == {"NL0001": ["deqar:1", "ewp:a.nl"]}
    assert merged.issues == ()
    assert by_id(merged)["NL0001"].first("schac") == "a.nl"


def test_d_09_all_three_inputs_are_united_by_different_identifiers() -> None:
    merged = merge_records(
        [
            record("deqar", "1", ["erasmus:NL A01"]),
            record("ewp", "a.nl", ["erasmus:NL A01", "pic:999900001"]),
            record("hei-api", "a.nl"),
            record("hei-api", "b.nl"),
        ]
    )
    assert ids(merged) == {"a.nl": ["deqar:1", "ewp:a.nl", "hei-api:a.nl"], "b.nl": ["hei-api:b.nl"]}


def test_c_01_the_id_is_the_orgreg_id_else_the_schac_code_else_the_deqarinst_id() -> None:
    merged = merge_records(
        [
            record("deqar", "1", ["schac:a.nl", "orgreg:NL0001"]),
            record("deqar", "2", ["schac:b.nl"]),
            record("deqar", "3", ["pic:999900003"]),
        ]
    )
    assert [*ids(merged)] == ["DEQARINST3", "NL0001", "b.nl"]
    entries = by_id(merged)
    assert [entries[name].is_institution for name in ("NL0001", "b.nl", "DEQARINST3")] == [True, True, False]


def test_two_records_of_one_register_are_never_one_institution() -> None:
    merged = merge_records(
        [record("deqar", "1", ["schac:a.nl"]), record("deqar", "2", ["schac:a.nl"]), record("ewp", "a.nl")]
    )
    assert ids(merged) == {"DEQARINST1": ["deqar:1"], "DEQARINST2": ["deqar:2"], "a.nl": ["ewp:a.nl"]}
    (issue,) = merged.issues
    assert issue.code == "registry-identifier-shared"
    assert issue.message == (
        "the schac code a.nl belongs to several institutions: deqar 1 (deqar 1); deqar 2 (deqar 2). deqar has them as "
        "different ones, so none of them is known by it"
    )


def test_a_code_of_a_closed_and_an_open_record_stays_with_the_open_one() -> None:
    merged = merge_records(
        [record("deqar", "1", ["schac:a.nl"], closed="2010-01-01"), record("deqar", "2", ["schac:a.nl"])]
    )
    assert ids(merged) == {"DEQARINST1": ["deqar:1"], "a.nl": ["deqar:2"]}
    assert "The others are closed" in merged.issues[0].message
    assert by_id(merged)["DEQARINST1"].closed == "2010-01-01"


def test_records_that_disagree_on_a_stronger_identifier_are_not_united() -> None:
    merged = merge_records([record("ewp", "a.nl", ["pic:999900001"]), record("hei-api", "b.nl", ["pic:999900001"])])
    assert ids(merged) == {"a.nl": ["ewp:a.nl"], "b.nl": ["hei-api:b.nl"]}
    (issue,) = merged.issues
    assert "They have different schac codes, a.nl and b.nl, so it stays with ewp a.nl" in issue.message
    assert by_id(merged)["a.nl"].codes["pic"] == ("999900001",)
    assert "pic" not in by_id(merged)["b.nl"].codes


def test_c_12_a_former_schac_code_unites_a_renamed_institution() -> None:
    merged = merge_records(
        [
            record("deqar", "1", ["schac:old.nl", "orgreg:NL0001"]),
            record("ewp", "new.nl", ["previous-schac:old.nl"]),
            record("hei-api", "old.nl"),
        ]
    )
    assert ids(merged) == {"NL0001": ["deqar:1", "ewp:new.nl", "hei-api:old.nl"]}
    assert merged.issues == ()
    assert by_id(merged)["NL0001"].codes["schac"] == ("new.nl",)
    assert by_id(merged)["NL0001"].codes["previous-schac"] == ("old.nl",)


def test_c_12_a_former_code_that_another_institution_uses_is_reported() -> None:
    merged = merge_records([record("ewp", "old.nl"), record("ewp", "new.nl", ["previous-schac:old.nl"])])
    assert [*ids(merged)] == ["new.nl", "old.nl"]
    assert "it stays with ewp old.nl" in merged.issues[0].message
    assert "previous-schac" not in by_id(merged)["new.nl"].codes


def test_c_12_the_code_of_a_closed_predecessor_is_an_alias_of_its_successor() -> None:
    merged = merge_records(
        [
            record("deqar", "1", ["schac:old.nl"], closed="2015-08-31"),
            record("deqar", "2", ["schac:new.nl"]),
            record("ewp", "new.nl", ["previous-schac:old.nl"]),
        ]
    )
    assert ids(merged) == {"new.nl": ["deqar:2", "ewp:new.nl"], "old.nl": ["deqar:1"]}
    assert by_id(merged)["new.nl"].codes["previous-schac"] == ("old.nl",)
    assert merged.issues == ()


def test_a_former_code_that_two_claim_is_nobodys() -> None:
    merged = merge_records(
        [record("ewp", "a.nl", ["previous-schac:x.nl"]), record("ewp", "b.nl", ["previous-schac:x.nl"])]
    )
    assert all("previous-schac" not in entry.codes for entry in merged.entries)
    assert len(merged.issues) == 1


def test_names_are_one_per_language_and_others() -> None:
    deqar = (
        Name("Tech", "en", "preferred"),
        Name("Technische Hogeschool"),
        Name("Tech", "en"),
        Name("TH", kind="other"),
    )
    ewp = (Name("Technische Hogeschool", "nl"), Name("Tech University", "en"), Name("THE", "nl"))
    merged = merge_records([record("deqar", "1", ["schac:a.nl"], names=deqar), record("ewp", "a.nl", names=ewp)])
    (entry,) = merged.entries
    assert entry.legal_names == {"en": "Tech", "nl": "Technische Hogeschool"}
    assert entry.name == Name("Tech", "en", "preferred")
    assert [name.text for name in entry.other_names] == ["Tech University", "TH", "THE"]


@pytest.mark.parametrize(
    ("made", "recognised"),
    [
        (record("deqar", "1", ["schac:a.nl"]), True),
        (record("deqar", "1", ["schac:a.nl"], other_provider=True), False),
        (record("ewp", "a.nl"), False),
        (record("ewp", "a.nl", ["erasmus-charter:1-ECHE"]), True),
        (record("hei-api", "a.nl", ["orgreg:NL0001"]), True),
    ],
)
def test_d_18_recognised_are_those_in_deqar_or_orgreg_or_with_a_charter(made: RegistryRecord, recognised: bool) -> None:
    (entry,) = merge_records([made]).entries
    assert entry.is_recognised is recognised


def test_the_order_of_records_does_not_matter_and_no_code_is_held_twice() -> None:
    dice = random.Random(7)
    schemes = {"pic": 30, "erasmus": 30, "ror": 30, "orgreg": 40, "schac": 30, "previous-schac": 30}
    made = [
        record(
            register,
            str(number) if register == "deqar" else f"d{number}.nl",
            [
                f"{scheme}:{'d' if 'schac' in scheme else 'c'}{dice.randrange(top)}{'.nl' if 'schac' in scheme else ''}"
                for scheme, top in schemes.items()
                if dice.random() < 0.5
            ],
            closed="2000" if dice.random() < 0.1 else None,
        )
        for register in ("deqar", "ewp", "hei-api")
        for number in range(40)
    ]
    first = merge_records(made)
    for _ in range(5):
        dice.shuffle(made)
        assert merge_records(made) == first
    assert len({entry.id for entry in first.entries}) == len(first.entries)
    for scheme in ("pic", "erasmus", "ror", "orgreg", "schac", "deqarinst"):
        codes = [code for entry in first.entries for code in entry.codes.get(scheme, ())]
        assert len(codes) == len(set(codes)), scheme
    for entry in first.entries:
        assert len({r.register for r in entry.records}) == len(entry.records)

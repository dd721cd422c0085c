"""Which TXT records announce a manifest."""

import pytest

from qlink_ld.discovery.dns_txt import Announcement, read_announcements

URL = "https://a.example/m.json"


@pytest.mark.parametrize(
    "record",
    [
        f"v=qldiscover1; m={URL}",
        f"v=qldiscover1;m={URL}",
        f" v=qldiscover1 ; m = {URL} ; ",
        f"v=qldiscover1; x=y; m={URL}; m=https://b.example/",
    ],
)
def test_d_02_a_record_names_the_manifest(record: str) -> None:
    assert read_announcements([record]) == (Announcement(record, URL),)


@pytest.mark.parametrize(
    "record",
    [
        f"v=spf1 include:a.example m={URL}",
        f"v=DMARC1; m={URL}",
        f"m={URL}",
        f"m={URL}; v=qldiscover1",
        f"v=qldiscover10; m={URL}",
        f"v=qldiscover; m={URL}",
        f"V=QLDISCOVER1; m={URL}",
        f"x v=qldiscover1; m={URL}",
        "",
    ],
)
def test_d_03_other_records_are_ignored(record: str) -> None:
    assert read_announcements([record]) == ()


def test_d_05_several_records_are_sorted_and_each_is_there_once() -> None:
    records = [f"v=qldiscover1; m={URL}{letter}" for letter in "cabca"]
    assert [found.url for found in read_announcements(records)] == [URL + letter for letter in "abc"]


@pytest.mark.parametrize("record", ["v=qldiscover1", "v=qldiscover1; m=", "v=qldiscover1; n=x", "v=qldiscover1; m"])
def test_a_record_without_an_address_is_known_as_one(record: str) -> None:
    assert read_announcements([record]) == (Announcement(record, None),)

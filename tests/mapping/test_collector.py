"""The search for reference cycles pauses, and goes on as it was before."""

import gc
from collections.abc import Iterator

import pytest

from qlink_ld.mapping.collector import collect_between, collector_paused


def test_nothing_is_searched_inside_and_all_is_as_before_after_an_error() -> None:
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert gc.isenabled()


def fail_inside() -> float:
    with collector_paused():
        return 1 / gc.isenabled()  # False is 0: nothing is searched


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_pauses_while_an_item_is_made_and_not_while_the_caller_has_it() -> None:
    inside: list[bool] = []

    def make() -> Iterator[int]:
        for number in range(3):
            inside.append(gc.isenabled())
            yield number

    outside = [(number, gc.isenabled()) for number in collect_between(make())]
    assert outside == [(0, True), (1, True), (2, True)]
    assert inside == [False] * 3

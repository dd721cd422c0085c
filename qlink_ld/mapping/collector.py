"""Holds Python's search for reference cycles while something large is built in memory.

Every 700 new containers it looks through the youngest, and now and then through all: in a graph of a million triples,
which has no cycles of Python objects, that was a third of the time, and of the making of a batch of records a tenth.
What is not in a cycle is freed as ever.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Search for no cycles inside; after it, search as before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_between(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield these items; cycles are searched for while the caller has one, and not while the next is made."""
    pending = iter(items)
    while True:
        with collector_paused():
            found = list(islice(pending, 1))
        if not found:
            return
        yield found[0]

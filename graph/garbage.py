"""Garbage collections, which hold the event loop: most are short, and long ones are rare.

A collection visits all objects of its generation and of the younger ones, at up to 0.5 µs each.
With full caches and thousands of connections, a full collection would visit 400,000. Python does
not visit frozen objects, so the objects that survive a full collection are frozen. Reference counts
still free frozen objects, but not those in cycles. Documents, plans and connections contain none.
Other cycles are freed when so many objects are frozen that many may be garbage (`THAWED_FROM`).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

THRESHOLDS = (700, 5, 2)
"""A full collection begins when at least 12,000 objects have survived since the last one."""

OLDEST = 2
"""The generation of a full collection."""

UNFROZEN = 10_000
"""Number of surviving objects above which a full collection freezes them."""

THAWED_FROM = 400_000
"""Number of frozen objects, besides those of the start, from which all are visited again, which
takes 0.2 to 0.5 s. Full caches and 3,500 connections have 300,000."""

THAWED_AFTER = 600
"""Seconds after which the frozen objects are counted again."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage while modules are imported, and freeze their objects at the end.

    Collections meanwhile would take a sixth of the start.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def collect() -> None:
    """Run a full collection.

    Python starts none while as many objects are freed as are made, such as those of connections.
    """
    gc.collect()


class _Freezer:
    """Freezes what survives full collections; is called before and after each collection."""

    def __init__(self) -> None:
        self._counted = monotonic()
        self._needed: int | None = None
        """Number of the frozen objects of the start. Counting them takes milliseconds, so it
        waits until the first full collection, before which nothing more is frozen."""
        self._thaws = False

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] < OLDEST:
            return
        if phase == "start":
            if self._needed is None:
                self._needed = gc.get_freeze_count()
            if monotonic() - self._counted > THAWED_AFTER:
                self._counted = monotonic()
                self._thaws = gc.get_freeze_count() > self._needed + THAWED_FROM
                if self._thaws:
                    gc.unfreeze()
        elif self._thaws or len(gc.get_objects()) > UNFROZEN:
            gc.freeze()
            self._thaws = False


@contextmanager
def short_collections() -> Iterator[None]:
    """Freeze the objects of the start, and later those that survive a full collection."""
    thresholds, freezer = gc.get_threshold(), _Freezer()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(freezer)
    try:
        yield
    finally:
        gc.callbacks.remove(freezer)
        gc.set_threshold(*thresholds)


@contextmanager
def young_collected() -> Iterator[None]:
    """Collect the garbage of what is done meanwhile, without visiting any older object.

    graphql-core's validation leaves cyclic garbage, up to 15 objects per token. As long as it is
    in the youngest generation, collecting it takes a few milliseconds.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        gc.collect(0)

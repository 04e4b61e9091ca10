"""Garbage collections, which hold the event loop: most are short, and long ones are rare.

A collection visits all objects of its generation and of the younger ones, at up to 0.5 µs each.
With full caches and 9,000 connections these are 700,000, and a full collection took 0.4 s. Python
does not visit frozen objects. Those that no other object refers to are freed all the same, as a
closed connection is. Only frozen cycles stay: parts of documents and statements that were evicted
from a cache after they were frozen. They are freed after `THAWED_AFTER` seconds.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

THRESHOLDS = (700, 10, 2)
"""A full collection begins when at least 23,000 objects have survived since the last one."""

OLDEST = 2
"""The generation of a full collection."""

UNFROZEN = 65_000
"""Number of surviving objects above which a full collection freezes them. Full caches hold about
64,000, so mostly connections make it freeze."""

THAWED_AFTER = 600
"""Seconds after which all that was frozen is visited again, which takes 0.1 s of CPU time, and
0.4 s with 9,000 connections."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage, and freeze what is there at the end: for imports.

    To visit all that is imported whenever more is there would be a sixth of the start.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


class _Freezer:
    """Freezes what survives full collections; is called before and after each collection."""

    def __init__(self) -> None:
        self._thawed = monotonic()
        self._froze = False
        """Whether anything was frozen since."""

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] < OLDEST:
            return
        if phase == "start":
            if self._froze and monotonic() - self._thawed > THAWED_AFTER:
                gc.unfreeze()
                self._thawed, self._froze = monotonic(), False
        elif len(gc.get_objects()) > UNFROZEN:
            gc.freeze()
            self._froze = True


@contextmanager
def short_collections() -> Iterator[None]:
    """Freeze what the start has left, and later what survives when it is much."""
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

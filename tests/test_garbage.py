"""Full garbage collections stay short, and only one module controls them."""

import gc
import re
from pathlib import Path

import pytest

import graph
from graph import garbage
from tests.support.client import Client


def test_one_module_alone_imports_gc() -> None:
    folder = Path(graph.__file__).parent
    found = [
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"^\s*(import gc|from gc import)\b", path.read_text(), re.MULTILINE)
    ]
    assert found == ["garbage.py"]


def test_a_running_service_has_short_collections(api: Client) -> None:
    api.data("{ heroes { id } }")
    assert gc.get_threshold() == garbage.THRESHOLDS
    assert gc.get_freeze_count() > 50_000


def test_many_survivors_are_frozen_and_thawed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    thresholds = gc.get_threshold()
    with garbage.short_collections():
        kept: list[list[object]] = [[] for _ in range(garbage.UNFROZEN // 2)]
        gc.collect()
        assert len(gc.get_objects()) > garbage.UNFROZEN // 2  # too few to be frozen
        kept += [[] for _ in range(garbage.UNFROZEN)]
        gc.collect()
        assert len(gc.get_objects()) < garbage.UNFROZEN // 2
        kept[0].append(kept[0])
        del kept[0]
        assert gc.collect() == 0
        monkeypatch.setattr(garbage, "THAWED_AFTER", -1)
        assert gc.collect() >= 1
    assert gc.get_threshold() == thresholds

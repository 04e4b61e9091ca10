"""Full garbage collections stay short, and only one module controls them."""

import gc
import re
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import graph
from graph import garbage
from graph.engine.operation import Operation
from tests.support.client import Client

if TYPE_CHECKING:
    from graphql import OperationDefinitionNode


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


class Circle:
    """An object that may refer to itself."""

    itself: object


def test_many_survivors_are_frozen_and_thawed_when_they_are_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage, "THAWED_AFTER", -1)
    monkeypatch.setattr(garbage, "THAWED_FROM", 50_000)
    thresholds = gc.get_threshold()
    with garbage.short_collections():
        kept: list[list[object]] = [[] for _ in range(garbage.UNFROZEN // 2)]
        gc.collect()
        assert len(gc.get_objects()) > garbage.UNFROZEN // 2  # too few to be frozen
        kept += [[] for _ in range(garbage.UNFROZEN)]
        gc.collect()
        assert len(gc.get_objects()) < garbage.UNFROZEN // 2
        dead = Circle()
        dead.itself = dead
        gone = weakref.ref(dead)
        kept += [[] for _ in range(garbage.UNFROZEN)]
        gc.collect()
        del dead
        gc.collect()
        assert gone() is not None
        kept += [[] for _ in range(garbage.THAWED_FROM)]
        gc.collect()
        gc.collect()
        assert gone() is None
        assert len(gc.get_objects()) < garbage.UNFROZEN
    assert gc.get_threshold() == thresholds


def test_an_evicted_document_is_freed_at_once(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[OperationDefinitionNode]] = []
    create = Operation.__init__

    def noted(operation: Operation, *arguments: Any) -> None:
        create(operation, *arguments)
        made.append(weakref.ref(operation.node))

    monkeypatch.setattr(Operation, "__init__", noted)
    gc.disable()
    try:
        for number in range(120):
            api.data(f'{{ heroes(where: {{name: {{eq: "{number:01000}"}}}}) {{ id name }} }}')
    finally:
        gc.enable()
    assert made[0]() is None
    assert made[-1]() is not None

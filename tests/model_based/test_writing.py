"""Generated mutations leave the same table as the model, with the same codes and bytes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.model_based import mutations, strategies
from tests.model_based.documents import RootField, operations, project
from tests.model_based.model import Hero, RefusedError, Table
from tests.model_based.stores import Store, asked
from tests.support.hypothesis_examples import check

EXAMPLES = [6, pytest.param(150, marks=pytest.mark.slow)]
"""Number of examples."""


def executed(table: Table, name: str, arguments: Mapping[str, Any]) -> Any:
    """Execute a root field on the model; return a hero, or several.

    Raises:
        RefusedError: it refuses it.
    """
    given: Any = arguments.get("input")
    most = arguments.get("atMost", 1)
    match name:
        case "createHero":
            (answer,) = table.create_heroes([given])
        case "updateHero":
            (answer,) = table.update_hero(arguments["id"], given, arguments.get("expected"))
        case "deleteHero":
            (answer,) = table.delete_hero(arguments["id"])
        case "createHeroes":
            return heroes(table.create_heroes(arguments["inputs"]))
        case "updateHeroes":
            return heroes(table.update_heroes(arguments["where"], given, most))
        case _:
            return heroes(table.delete_heroes(arguments["where"], most))
    return answer.answered()


def heroes(rows: list[Hero]) -> list[dict[str, Any]]:
    """Return heroes as in an answer."""
    return [row.answered() for row in rows]


def answered(table: Table, fields: list[RootField]) -> dict[str, Any]:
    """Execute an operation on the model; return the data, or the error code."""
    saved = dict(table.rows)
    try:
        return {
            f"f{n}": project(executed(table, field.name, field.arguments), field.selection)
            for n, field in enumerate(fields)
        }
    except RefusedError as error:
        table.rows = saved
        return {"code": error.code}


@pytest.mark.parametrize("count", EXAMPLES)
def test_mutations(separate_stores: list[Store], count: int) -> None:
    def write(data: st.DataObject) -> None:
        rows = data.draw(strategies.rows())
        for store in separate_stores:
            store.fill(rows)
        table = Table(rows)
        for mutation in data.draw(st.lists(mutations.mutations, min_size=3, max_size=8)):
            fields = [
                RootField(name, arguments, data.draw(strategies.selections))
                for name, arguments in mutation
            ]
            request = data.draw(operations(fields))
            body = asked(separate_stores, request)
            expected = answered(table, fields)
            if "code" in expected:
                codes = [error["extensions"]["code"] for error in body["errors"]]
                assert (body["data"], codes) == (None, [expected["code"]]), body
            else:
                assert body == {"data": expected}
        for store in separate_stores:
            assert store.rows() == list(table.rows.values())

    check(count, st.data(), write)

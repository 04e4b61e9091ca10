"""Columns of each type that SQLModel's documentation shows, through HTTP on both databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import time
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from sqlalchemy import PickleType, Time
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from graph.app import create_app
from graph.settings import Settings
from graph.tables.resource import Resource
from tests.support.client import Client
from tests.support.databases import Sql, on_postgresql, on_sqlite
from tests.support.served_app import serving
from tests.support.tables import run
from tests.support.typed_table import PostgresTables, Tables, schema

MOMENTS = ("moment", "zoned", "stamped")

GIVEN: dict[str, Any] = {
    "text": 'é 🦸 " \\ \n',
    "number": -(2**31),
    "big": str(2**63 - 1),
    "ratio": 1e-7,
    "flag": True,
    "moment": "2024-02-29T23:59:59.999999+05:30",
    "zoned": "2024-02-29T23:59:59.999999+05:30",
    "stamped": "2024-02-29T23:59:59.999999+05:30",
    "local": "1999-12-31T23:59:59",
    "born": "0001-01-01",
    "wakes": "23:59:59.000001",
    "length": "P3DT0.000001S",
    "fee": "-12.50",
    "token": "96730d66-f489-4054-8ab2-242a687c86c4",
    "power": "STRENGTH",
    "blob": "AP+A",
    "data": {"a": [1, None, {"b": "é"}], "c": 0.5},
    "site": "https://example.org/a?b=%20c",
    "address": "192.0.2.1",
    "mark": "00000000-0000-4000-8000-000000000001",
}
STORED = {**GIVEN, **dict.fromkeys(MOMENTS, "2024-02-29T18:29:59.999999+00:00")}

FIELDS = " ".join(["id edits state", *GIVEN])
CREATE = f"mutation($i: CreateThingInput!) {{ createThing(input: $i) {{ {FIELDS} }} }}"
UPDATE = f"""mutation($id: ID!, $i: UpdateThingInput!, $old: UpdateThingInput) {{
  updateThing(id: $id, input: $i, expected: $old) {{ {FIELDS} }} }}"""
PAGE = f"query($w: ThingFilter) {{ things(where: $w) {{ {FIELDS} }} }}"

NESTED: Any = []
for _ in range(900):
    NESTED = [NESTED]

INSTANTS = [
    "2024-01-01T00:00:00+00:00",
    "2024-01-01T00:00:01+00:00",
    "2025-01-01T00:00:00+00:00",
]

ORDERED: dict[str, list[Any]] = {
    "number": [-1, 0, 1],
    "big": [str(-(2**63)), "7", str(2**62)],
    "ratio": [-0.5, 1e-9, 2.0],
    **dict.fromkeys(MOMENTS, INSTANTS),
    "local": ["2024-01-01T00:00:00", "2024-01-01T00:00:00.000001", "2025-01-01T00:00:00"],
    "born": ["1999-12-31", "2000-01-01", "2024-02-29"],
    "wakes": ["00:00:00", "06:30:00", "23:59:59"],
    "length": ["-P1D", "PT0S", "P400D"],
    "fee": ["-1.25", "0.50", "10.00"],
}
"""Values in ascending order, by field."""


@pytest.fixture
def both(database_url: str, configure: Callable[..., Settings]) -> Iterator[list[Client]]:
    """Two services of the table: on the fast path, and off it."""
    run(database_url, Tables.metadata.create_all)
    if is_postgres := database_url.startswith("postgresql"):
        run(database_url, PostgresTables.metadata.create_all)
    with ExitStack() as stack:
        clients = []
        for fast in (True, False):
            settings = configure(fast_execution=fast)
            # SQLite has not all tables of the schema.
            app = create_app(settings, schema=schema, prepared=not is_postgres)
            served = serving(app, settings)
            clients.append(stack.enter_context(Client(stack.enter_context(served))))
        yield clients


def same(clients: list[Client], query: str, **variables: Any) -> Any:
    """Return the data that both services answer."""
    request = {"query": query, "variables": variables}
    answers = [client.post(request).content for client in clients]
    assert answers[0] == answers[1]
    body = clients[0].post(request).json()
    assert "errors" not in body, body
    return body["data"]


def test_values_of_each_type_are_written_and_read(both: list[Client]) -> None:
    for client in both:
        given = client.data(CREATE, i=GIVEN)["createThing"]
        assert {name: given[name] for name in STORED} == STORED
        assert (given["edits"], given["state"]) == (0, "new")
        defaults = client.data(CREATE, i={})["createThing"]
        assert (defaults["length"], defaults["blob"], defaults["data"]) == ("PT1H", "", {})
        assert defaults["id"] != given["id"]
        assert client.data(CREATE, i={"state": "old"})["createThing"]["state"] == "old"
        changed = client.data(UPDATE, id=defaults["id"], i=GIVEN, old={"length": "PT1H"})
        row = changed["updateThing"]
        assert {name: row[name] for name in STORED} == STORED
        assert row["edits"] == 1  # onupdate
        one = f"query($id: ID!) {{ thing(id: $id) {{ {FIELDS} }} }}"
        assert same(both, one, id=row["id"]) == {"thing": row}
        nulls = {"site": None, "address": None}
        cleared = client.data(UPDATE, id=row["id"], i=nulls, old=GIVEN)["updateThing"]
        assert cleared == {**row, **nulls, "edits": 2}
    assert len(same(both, PAGE)["things"]) == 6


SET = "UPDATE thing SET {} = {}"

READ_AS_STORED = {
    ("flag", "0"): False,
    ("flag", "1.0"): True,
    ("moment", "'2024-01-01T10:00:00Z'"): "2024-01-01T10:00:00+00:00",
    ("moment", "'2024-01-01 10:00:00+00:00'"): "2024-01-01T10:00:00+00:00",
    ("moment", "'2024-01-01 10:00'"): "2024-01-01T10:00:00+00:00",
}
"""Values that other programs store on SQLite, as clients read them."""

MISREAD = [
    ("flag", "'false'"),
    ("flag", "'true'"),
    ("flag", "2"),
    ("moment", "'2024-01-01 10:00:00+02:00'"),
    ("moment", "'2024-01-01 10:00:00-00:30'"),
]
"""Those that SQLAlchemy's types would read as something else than what is compared."""


@on_sqlite
def test_no_value_of_another_program_is_misread(both: list[Client], sql: Sql) -> None:
    both[0].data(CREATE, i={})
    for (name, stored), shown in READ_AS_STORED.items():
        sql(SET.format(name, stored))
        assert same(both, f"{{ things {{ {name} }} }}")["things"] == [{name: shown}]
    for name, stored in MISREAD:
        sql(SET.format(name, stored))
        for client in both:
            (error,) = client.execute(f"{{ things {{ id {name} }} }}")["errors"]
            assert error["path"] == ["things", 0, name]
            assert f"the stored {name} of Thing " in error["message"]
            assert len(client.data("{ things { id } }")["things"]) == 1


def test_each_type_can_be_filtered_and_sorted(both: list[Client]) -> None:
    several = "mutation($i: [CreateThingInput!]!) { createThings(inputs: $i) { id } }"
    inputs = [{name: values[n] for name, values in ORDERED.items()} for n in (2, 0, 1)]
    assert len(both[0].data(several, i=inputs)["createThings"]) == 3
    page = """query($w: ThingFilter, $o: [ThingOrder!], $c: String) {
        thingsConnection(where: $w, orderBy: $o, after: $c, first: 1) {
          nodes { %s } totalCount pageInfo { endCursor } } }"""
    for name, values in ORDERED.items():
        query = page % name
        for operator, given, count in (
            ("eq", values[1], 1),
            ("ne", values[1], 2),
            ("in", values[:2], 2),
            ("lt", values[1], 1),
            ("lte", values[1], 2),
            ("gt", values[1], 1),
            ("gte", values[0], 3),
        ):
            found = same(both, query, w={name: {operator: given}})["thingsConnection"]
            assert found["totalCount"] == count, (name, operator)
        for direction, expected in (("ASC", values), ("DESC", values[::-1])):
            order = [{"field": name.upper(), "direction": direction}]
            assert walked(both, query, name, order) == expected
    for name in ("token", "blob", "power", "flag", "text", "site", "address"):
        (value,) = set(walked(both, page % name, name, [{"field": name.upper()}]))
        given = {"isNull": True} if value is None else {"eq": value}
        found = same(both, page % name, w={name: given})["thingsConnection"]
        assert found["totalCount"] == 3, name


def walked(both: list[Client], query: str, name: str, order: Any) -> list[Any]:
    """Return the values of a field in the order of the rows, from three pages by cursor."""
    cursor, seen = None, []
    for _ in range(3):
        found = same(both, query, o=order, c=cursor)["thingsConnection"]
        cursor = found["pageInfo"]["endCursor"]
        seen.append(found["nodes"][0][name])
    return seen


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"big": str(2**63)}, "BAD_USER_INPUT"),
        ({"big": "1e3"}, "BAD_USER_INPUT"),
        ({"length": "an hour"}, "BAD_USER_INPUT"),
        ({"blob": "a"}, "BAD_USER_INPUT"),
        ({"site": "no url"}, "BAD_USER_INPUT"),
        ({"address": "300.0.0.1"}, "BAD_USER_INPUT"),
        ({"data": [1]}, "BAD_USER_INPUT"),
        ({"token": "x"}, "BAD_USER_INPUT"),
        ({"data": {"a": ["\0"]}}, "BAD_USER_INPUT"),
        ({"data": {"\0": 1}}, "BAD_USER_INPUT"),
        ({"data": {"a": "\ud800"}}, "BAD_USER_INPUT"),
        ({"data": {"a": NESTED}}, "BAD_USER_INPUT"),
        ({"text": "\0"}, "BAD_USER_INPUT"),
    ],
)
def test_a_wrong_value_is_refused(both: list[Client], given: Any, code: str) -> None:
    for client in both:
        assert client.codes(CREATE, i=given) == [code]
        made = client.data(CREATE, i={})["createThing"]
        assert client.codes(UPDATE, id=made["id"], i=given) == [code]
        assert client.codes(UPDATE, id=made["id"], i={}, old=given) == [code]


@pytest.mark.parametrize(
    "given",
    [
        {"length": "P999999999D"},
        {"length": "-P999999999D"},
        {"small": 40_000},
        {"data": {"a": 1e308, "b": 2**63 - 1, "c": ""}},
        {"big": str(-(2**63))},
        {"ratio": 1.7976931348623157e308},
        {"born": "9999-12-31"},
        {"moment": "9999-12-31T23:59:59.999999Z"},
        {"fee": "1e30"},
    ],
)
def test_an_extreme_value_is_stored_or_refused(both: list[Client], given: Any) -> None:
    page = "query($w: ThingFilter) { things(where: $w) { id } }"
    for client in both:
        body = client.execute(CREATE, i=given)
        codes = [error["extensions"]["code"] for error in body.get("errors", [])]
        assert codes in ([], ["BAD_USER_INPUT"])
        ((name, value),) = given.items()
        if name != "data":
            for operator in ("eq", "lt", "gte"):
                found = client.execute(page, w={name: {operator: value}})
                codes = [error["extensions"]["code"] for error in found.get("errors", [])]
                assert codes in ([], ["BAD_USER_INPUT"]), (operator, found)


def test_a_nullable_foreign_key(both: list[Client]) -> None:
    create = "mutation($i: CreateThingInput!) { createThing(input: $i) { id parentId } }"
    update = """mutation($id: ID!, $i: UpdateThingInput!, $old: UpdateThingInput) {
      updateThing(id: $id, input: $i, expected: $old) { parentId } }"""
    parent = both[0].data(create, i={})["createThing"]["id"]
    child = both[0].data(create, i={"parentId": parent})["createThing"]
    assert child["parentId"] == parent
    listed = "query($w: ThingFilter, $o: [ThingOrder!]) { things(where: $w, orderBy: $o) { id } }"
    for where, ids in (
        ({"eq": parent}, [child["id"]]),
        ({"eq": parent.upper()}, []),
        ({"ne": parent}, [parent]),
        ({"in": ["abc", parent]}, [child["id"]]),
        ({"isNull": True}, [parent]),
        ({"isNull": False}, [child["id"]]),
    ):
        found = same(both, listed, w={"parentId": where})["things"]
        assert [row["id"] for row in found] == ids, where
    assert len(same(both, listed, w={"parentId": {"ne": "abc"}})["things"]) == 2
    by_parent = [{"field": "PARENT_ID", "nulls": "FIRST"}]
    assert [row["id"] for row in same(both, listed, o=by_parent)["things"]] == [
        parent,
        child["id"],
    ]
    for wrong in ("abc", parent.upper(), "00000000-0000-0000-0000-000000000000"):
        for client in both:
            codes = client.codes(update, id=child["id"], i={"parentId": wrong})
            assert codes == ["BAD_USER_INPUT"]
    old = {"parentId": parent}
    changed = both[0].data(update, id=child["id"], i={"parentId": None}, old=old)
    assert changed == {"updateThing": {"parentId": None}}
    assert both[0].codes(update, id=child["id"], i={}, old=old) == ["CONFLICT"]


@on_postgresql
def test_lists_on_postgresql(both: list[Client]) -> None:
    fields = "{ id names numbers bigs }"
    create = f"mutation($i: CreateTagInput!) {{ createTag(input: $i) {fields} }}"
    update = f"mutation($id: ID!, $i: UpdateTagInput!) {{ updateTag(id: $id, input: $i) {fields} }}"
    assert both[0].codes(create, i={"names": ["a", "\0"]}) == ["BAD_USER_INPUT"]
    lists = {"names": ["a", "é", ""], "numbers": [1, -2], "bigs": [str(2**40)]}
    for client in both:
        made = client.data(create, i=lists)["createTag"]
        assert made == {**lists, "id": made["id"]}
        empty = client.data(create, i={})["createTag"]
        assert empty == {"id": empty["id"], "names": [], "numbers": None, "bigs": None}
        assert client.data(update, id=empty["id"], i=lists)["updateTag"] == {
            **lists,
            "id": empty["id"],
        }
    assert len(same(both, f"{{ tags {fields} }}")["tags"]) == 4


@on_postgresql
def test_rows_whose_keys_the_database_makes_are_in_the_order_of_the_inputs(
    both: list[Client],
) -> None:
    create = "mutation($i: [CreateTicketInput!]!) { createTickets(inputs: $i) { id name } }"
    for client in both:
        inputs = [{"name": f"n{n}"} for n in range(20)]
        made = client.data(create, i=inputs)["createTickets"]
        assert [row["name"] for row in made] == [each["name"] for each in inputs]
        assert len({row["id"] for row in made}) == 20


def refused(**columns: Any) -> str:
    """Return why a table with these columns is refused."""

    class Models(SQLModel, registry=registry()):
        pass

    make: Any = type(SQLModel)
    annotations = {name: type_ for name, (type_, _) in columns.items()}
    values = {name: field for name, (_, field) in columns.items()}
    base = make("OddBase", (SQLModel,), {"__annotations__": annotations, **values})
    model = make("Odd", (base, Models), {"__tablename__": "odd"}, table=True)
    create = make("OddCreate", (base,), {})
    shown = make("Odd", (base,), {"__annotations__": {"id": strawberry.ID}})
    with pytest.raises(TypeError) as error:
        Resource(model, strawberry.pydantic.type(shown), create=create, one="odd", many="odds")
    return str(error.value)


def test_what_is_not_supported_is_refused_by_name() -> None:
    key = Field(primary_key=True)
    assert refused(weight=(float, key)) == (
        "the key weight of the table odd has the type Float(): a key must be an int, UUID, str "
        "or date"
    )
    text_key = (str, key)
    path = refused(code=text_key, thing=(complex, Field(sa_type=PickleType)))
    assert path.startswith("Odd.thing has a type that has no place in GraphQL: ")
    zoned = refused(code=text_key, wakes=(time, Field(sa_type=Time(timezone=True))))
    assert zoned.startswith("Odd.wakes is a time with a time zone, which SQLite cannot store: ")
    assert "id of the table odd must be its key" in refused(
        code=text_key, id=(int, Field(default=0))
    )

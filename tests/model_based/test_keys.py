"""Tables with keys of every kind: one row, many rows, filters and walks, against the model."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from graph.app import create_app
from graph.settings import Settings
from tests.model_based import model
from tests.model_based.walk import Listing, Walk, step
from tests.support.client import Client
from tests.support.served_app import serving
from tests.support.tables import MODELS, create_tables, fill, schema

NAMES = ("a", "B", "é")
RANKS = (None, 1, 2)

UUIDS = [UUID(int=(n * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128) for n in range(1, 40)]
TEXTS = ["", "a", "B", "%", "%2C", ",", "a,b", "é", "\U0001f9b8", "\uffff", "1", "01", " "]
DAYS = [date(1999, 12, 28) + timedelta(days=n) for n in range(20)]


class Row(NamedTuple):
    """A row with a key of any kind; `id` is what the model sorts by."""

    id: Any
    text: str
    name: str
    rank: int | None

    def answered(self) -> dict[str, Any]:
        """Return the row as in an answer."""
        return {"id": self.text, "name": self.name, "rank": self.rank}


class Kind(NamedTuple):
    """A table, and its keys."""

    one: str
    listing: Listing
    keys: list[Any]
    text: Callable[[Any], str]
    """Converts a key to the id."""
    columns: Callable[[Any], dict[str, Any]]
    """Converts a key to the values of its columns."""


def _escaped(text: object) -> str:
    return str(text).replace("%", "%25").replace(",", "%2C")


def _kind(one: str, many: str, keys: list[Any], text: Any, columns: Any) -> Kind:
    by_id = {text(key): key for key in keys}
    assert len(by_id) == len(keys)
    listing = Listing(one.capitalize(), f"{many}Connection", "rank", by_id.__getitem__)
    return Kind(one, listing, keys, text, columns)


LINKS = list(product(UUIDS[:3], ("", ",", "%2C", "a", "B"), (1, -2)))

KINDS = {
    "number": _kind(
        "number", "numbers", [1, 2, 3, 10, 11, 2**31 - 1], str, lambda key: {"id": key}
    ),
    "item": _kind("item", "items", UUIDS, str, lambda key: {"id": key}),
    "country": _kind("country", "countries", TEXTS, str, lambda key: {"code": key}),
    "day": _kind("day", "days", DAYS, str, lambda key: {"day": key}),
    "link": _kind(
        "link",
        "links",
        LINKS,
        lambda key: ",".join(map(_escaped, key)),
        lambda key: dict(zip(("item_id", "country_code", "year"), key, strict=True)),
    ),
}

BY_TABLE = {made.__tablename__: made for made in MODELS}


class Store:
    """A database with the tables, and its services: on the fast path, and off it."""

    def __init__(self, url: str, clients: list[Client]) -> None:
        self._url = url
        self.clients = clients

    def fill(self, kind: Kind) -> list[Row]:
        """Replace the rows of a table by one for each key."""
        self.clear()
        if kind.one == "link":
            fill(self._url, BY_TABLE["item"], [{"id": key, "name": "x"} for key in UUIDS])
            fill(self._url, BY_TABLE["country"], [{"code": key, "name": "x"} for key in TEXTS])
        rows = [
            Row(key, kind.text(key), NAMES[n % 3], RANKS[n // 2 % 3])
            for n, key in enumerate(kind.keys)
        ]
        values = [{**kind.columns(row.id), "name": row.name, "rank": row.rank} for row in rows]
        fill(self._url, BY_TABLE[kind.one], values)
        return rows

    def clear(self) -> None:
        """Delete all rows."""
        for each in reversed(MODELS):
            fill(self._url, each, [])

    def same(self, query: str, **variables: Any) -> Any:
        """Return the body that both services answer."""
        request = {"query": query, "variables": variables}
        answers = [client.post(request).content for client in self.clients]
        assert len(set(answers)) == 1, answers
        return self.clients[0].post(request).json()

    def data(self, query: str, **variables: Any) -> Any:
        """Return the data that both services answer."""
        body = self.same(query, **variables)
        assert "errors" not in body, body
        return body["data"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> Iterator[Store]:
    """A database of a kind."""
    url = new_url(request.param)
    create_tables(url)
    clients, stacks = [], []
    for fast in (True, False):
        settings = Settings(
            database_url=url,
            fast_execution=fast,
            max_rows=10_000,
            _env_file=None,  # type: ignore[call-arg] # (pydantic-settings has it)
        )
        served = serving(create_app(settings, schema=schema), settings)
        stacks.append(served)
        clients.append(Client(served.__enter__()))
    yield Store(url, clients)
    for client in clients:
        client.http.close()
    for served in stacks:
        served.__exit__(None, None, None)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """A table."""
    return KINDS[request.param]


ORDERS: list[Any] = [
    None,
    [{"field": "ID", "direction": "DESC"}],
    [{"field": "RANK"}],
    [{"field": "RANK", "nulls": "FIRST", "direction": "DESC"}],
    [{"field": "NAME", "direction": "DESC"}, {"field": "RANK"}],
    [{"field": "RANK"}, {"field": "ID", "direction": "DESC"}],
]


@pytest.mark.parametrize("backward", [False, True])
def test_walks_by_cursor(store: Store, kind: Kind, *, backward: bool) -> None:
    rows = store.fill(kind)
    for client in store.clients:
        choices = [
            (order, where, size)
            for order in ORDERS
            for where, size in (({}, 2), ({"rank": {"isNull": False}}, 3), ({}, 100))
        ]
        walks = [
            Walk(order, where, size, backward=backward, listing=kind.listing)
            for order, where, size in choices
        ]
        while going := [walk for walk in walks if not walk.ended]:
            step(client, going)
        for walk, (order, where, _) in zip(walks, choices, strict=True):
            assert walk.ids == [row.id for row in model.ordered(rows, where, order or ())]


def test_one_row_by_id(store: Store, kind: Kind) -> None:
    rows = store.fill(kind)
    query = f"query ($id: ID!) {{ row: {kind.one}(id: $id) {{ id name rank }} }}"
    for row in rows:
        assert store.data(query, id=row.text) == {"row": row.answered()}
    assert store.data(query, id=kind.text(kind.keys[0]) + "x") == {"row": None}


NO_IDS = {
    "number": ["abc", " 1", "01", "1.0", "9" * 30, ""],
    "item": ["abc", "1", str(UUIDS[0]).upper(), UUIDS[0].hex, f"{{{UUIDS[0]}}}", ""],
    "country": ["A", "nowhere", "a\0", "\ud800"],
    "day": ["abc", "19991228", "1999-W52-2", "1999-12-27", "1999-13-01", "1999-12-28T00:00:00"],
    "link": [
        str(UUIDS[0]),
        f"{UUIDS[0]},,",
        f"{UUIDS[0]},a,1,",
        f"{UUIDS[0]},%61,1",
        f"{UUIDS[0]},a,01",
        f"{str(UUIDS[0]).upper()},a,1",
        ",,",
    ],
}
"""By table, texts that name no row."""


def test_another_spelling_names_nothing(store: Store, kind: Kind) -> None:
    rows = store.fill(kind)
    one, type_ = kind.one, kind.listing.type
    found = f"query ($id: ID!) {{ row: {one}(id: $id) {{ id }} }}"
    changed = f"mutation ($id: ID!) {{ update{type_}(id: $id, input: {{rank: 9}}) {{ id }} }}"
    deleted = f"mutation ($id: ID!) {{ delete{type_}(id: $id) {{ id }} }}"
    listed = (
        f"query ($where: {type_}Filter) {{ rows: {kind.listing.connection}(where: $where)"
        " { nodes { id } totalCount } }"
    )
    others = [other.text(other.keys[0]) for other in KINDS.values() if other != kind]
    own = {row.text for row in rows}
    for id_ in {*NO_IDS[one], *others} - own:
        assert store.data(found, id=id_) == {"row": None}
        for mutation in (changed, deleted):
            (error,) = store.same(mutation, id=id_)["errors"]
            assert error["extensions"]["code"] == "NOT_FOUND", (id_, error)
        for where in ({"id": {"eq": id_}}, {"id": {"in": [id_]}}):
            assert store.data(listed, where=where) == {"rows": {"nodes": [], "totalCount": 0}}
    for row in rows:
        for where in ({"id": {"eq": row.text}}, {"id": {"in": [row.text, *NO_IDS[one]]}}):
            found_row = {"nodes": [{"id": row.text}], "totalCount": 1}
            assert store.data(listed, where=where) == {"rows": found_row}
        rest = [{"id": each.text} for each in model.ordered(rows, {}, ()) if each != row]
        without = {"not": {"id": {"eq": row.text}}}
        assert store.data(listed, where=without)["rows"]["nodes"] == rest


def test_writes(store: Store, kind: Kind) -> None:
    type_ = kind.listing.type
    many = kind.listing.connection.removesuffix("Connection")
    plural = many[0].upper() + many[1:]
    for client in store.clients:
        rows = store.fill(kind)
        target = rows[-1]
        row = client.data(
            f'mutation ($id: ID!) {{ row: update{type_}(id: $id, input: {{name: "new"}},'
            f' expected: {{name: "{target.name}"}}) {{ id name rank }} }}',
            id=target.text,
        )["row"]
        assert row == {**target.answered(), "name": "new"}
        updated = client.data(
            f"mutation ($where: {type_}Filter!) {{ rows: update{plural}(where: $where,"
            " input: {rank: 7}, atMost: 100) { id rank } }",
            where={"rank": {"isNull": True}},
        )["rows"]
        nulls = model.ordered([each for each in rows if each.rank is None], {}, ())
        assert updated == [{"id": each.text, "rank": 7} for each in nulls]
        deleted = client.data(
            f"mutation ($where: {type_}Filter!) {{ rows: delete{plural}(where: $where,"
            " atMost: 100) { id name } }",
            where={"id": {"in": [each.text for each in rows[:3]]}},
        )["rows"]
        assert [each["id"] for each in deleted] == [
            each.text for each in model.ordered(rows[:3], {}, ())
        ]
        gone = client.data(
            f"mutation ($id: ID!) {{ row: delete{type_}(id: $id) {{ id }} }}", id=target.text
        )["row"]
        assert gone == {"id": target.text}
        left = client.data(f"{{ {many} {{ id }} }}")[many]
        kept = [each for each in rows[3:] if each != target]
        assert left == [{"id": each.text} for each in model.ordered(kept, {}, ())]


NEW: dict[str, list[dict[str, Any]]] = {
    "number": [{}] * 9,
    "item": [{}] * 9,
    "country": [{"code": code} for code in ("z", "A", "é", "", "m", "\U0001f9b8", "\uffff")],
    "day": [{"day": day} for day in ("2024-02-29", "1970-01-01", "2023-01-31", "1999-12-31")],
    "link": [
        {"itemId": str(UUIDS[n % 3]), "countryCode": TEXTS[n % 5], "year": -n} for n in range(9)
    ],
}
"""By table, keys of new rows as clients give them."""


def test_new_rows_are_in_the_order_of_the_inputs(store: Store, kind: Kind) -> None:
    type_, given = kind.listing.type, NEW[kind.one]
    many = kind.listing.connection.removesuffix("Connection")
    query = (
        f"mutation ($inputs: [Create{type_}Input!]!) {{ rows: create{many[0].upper()}{many[1:]}"
        "(inputs: $inputs) { id name } }"
    )
    for client in store.clients:
        store.fill(KINDS["link"])
        store.clear() if kind.one != "link" else fill(store._url, BY_TABLE["link"], [])  # noqa: SLF001 (its own)
        inputs = [{**each, "name": f"n{n}"} for n, each in enumerate(given)]
        rows = client.data(query, inputs=inputs)["rows"]
        assert [row["name"] for row in rows] == [each["name"] for each in inputs]
        one = f"query ($id: ID!) {{ row: {kind.one}(id: $id) {{ id name }} }}"
        for row in rows:
            assert client.data(one, id=row["id"]) == {"row": row}


def test_a_cursor_of_another_table_is_refused(store: Store) -> None:
    for kind in KINDS.values():
        store.fill(kind)
        connection = kind.listing.connection
        page = store.data(f"{{ rows: {connection} {{ edges {{ cursor }} }} }}")["rows"]
        for other in KINDS.values():
            query = f"query ($c: String) {{ {other.listing.connection}(after: $c) {{"
            query += " totalCount } }"
            errors = store.same(query, c=page["edges"][0]["cursor"]).get("errors", [])
            codes = [error["extensions"]["code"] for error in errors]
            assert codes == ([] if other == kind else ["BAD_USER_INPUT"])

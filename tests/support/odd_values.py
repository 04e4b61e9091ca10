"""Pages and objects as resolvers return them, valid and with wrong values in every place."""

from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime
from enum import Enum
from math import nan
from typing import Any

import strawberry
from graphql import Undefined
from sqlalchemy import select

from graph.database.statement import Rows, Statement
from graph.engine.connection import Connection, Edge, Edges, PageInfo
from graph.engine.context import Info
from graph.errors import BadUserInputError
from graph.hero.model import HERO

COLUMNS = ("age", "id", "name", "secret_name")


@strawberry.type
class Thing:
    """A row."""

    id: strawberry.ID
    name: str
    age: int | None
    secret_name: str


@strawberry.enum
class Power(Enum):
    """An enum as a value."""

    FLIGHT = "flies"


@strawberry.interface
class Named:
    """An interface."""

    name: str


@strawberry.type
class Cat(Named):
    """A type of the interface."""


@strawberry.type
class Dog:
    """Another type of the union."""

    name: str


@strawberry.type
class Picky:
    """A type whose `is_type_of` is always false."""

    name: str

    @classmethod
    def is_type_of(cls, _value: Any, _info: Any) -> bool:
        return False


@strawberry.type
class Figures:
    """An object inside another."""

    least: int | None
    mean: float | None


@strawberry.type
class Box:
    """An object with fields of every kind."""

    count: int
    figures: Figures
    maybe: Figures | None
    best: Thing | None
    seen: datetime
    power: Power | None
    tags: list[str]
    named: Named
    pet: Cat | Dog
    cat: Cat
    picky: Picky
    key: strawberry.ID
    several: list[Figures]


class Later:
    """An awaitable value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[None, None, Any]:
        yield
        return self.value


def rows(info: Info, *changes: dict[str, Any]) -> Rows:
    """Rows of the selected columns, with these changes."""
    columns = COLUMNS if info.columns is None else info.columns or ("id",)
    good = {"age": None, "name": "N", "secret_name": "s"}
    values = [{**good, "id": number, **change} for number, change in enumerate(changes)]
    statement = Statement(select(*(HERO.c[name] for name in columns)))
    return Rows(statement, [tuple(each[name] for name in columns) for each in values])


def page(info: Info, *changes: dict[str, Any], **own: Any) -> Connection[Any]:
    """A page of such rows, with these attributes replaced."""
    nodes = rows(info, *(changes or ({}, {"age": 3}, {"name": "é 🦸"})))
    facts = {"has_next_page": True, "has_previous_page": False, "start_cursor": "0"}
    info_of_page = PageInfo(**{**facts, "end_cursor": None, **own.pop("facts", {})})
    cursors = own.pop("cursors", [str(number) for number in range(len(nodes))])
    whole = {"nodes": nodes, "edges": Edges(nodes, cursors), "total_count": 7}
    return Connection(**{**whole, "page_info": info_of_page, **own})


def box(**own: Any) -> Box:
    """A box with these attributes replaced."""
    good = Box(
        count=1,
        figures=Figures(least=1, mean=0.5),
        maybe=None,
        best=Thing(id=strawberry.ID("1"), name="N", age=None, secret_name="s"),  # noqa: S106 (a test's own)
        seen=datetime(2024, 2, 29, tzinfo=UTC),
        power=Power.FLIGHT,
        tags=["a"],
        named=Cat(name="C"),
        pet=Dog(name="D"),
        cat=Cat(name="C"),
        picky=Picky(name="P"),
        key=strawberry.ID("k"),
        several=[Figures(least=1, mean=None)],
    )
    for name, value in own.items():
        setattr(good, name, value)
    return good


def without(value: Any, name: str) -> Any:
    """The object without one of its attributes."""
    delattr(value, name)
    return value


def failing(_: Info) -> Any:
    """Raise a public error."""
    raise BadUserInputError("no such page")


STRANGE: list[Any] = [None, True, 2**31, 0.5, nan, "x", b"x", [], Undefined, ValueError("wrong")]
"""Values that may stand in any place."""

THING = Thing(id=strawberry.ID("9"), name="T", age=9, secret_name="s")  # noqa: S106 (a test's own)

Make = Callable[[Info], Any]

PAGES: dict[str, Make] = {
    "good": page,
    "empty": lambda info: page(info, nodes=rows(info), edges=Edges(rows(info), [])),
    "short of cursors": lambda info: page(info, cursors=["0"]),
    "more cursors": lambda info: page(info, cursors=list("01234")),
    "lists": lambda info: page(info, nodes=[THING], edges=[Edge(cursor="c", node=THING)]),
    "mixed edges": lambda info: page(info, edges=[Edge(cursor="c", node=each) for each in "ab"]),
    "awaited": lambda info: page(info, page_info=Later(page(info).page_info)),
    "awaited count": lambda info: page(info, total_count=Later(7)),
    "other page": lambda info: page(info, page_info=box()),
    "raised": failing,
    "a row": lambda info: rows(info, {})[0],
    "rows": lambda info: rows(info, {}),
    "a box": lambda _info: box(),
    "no nodes": lambda info: without(page(info), "nodes"),
    "no end": lambda info: page(info, page_info=without(page(info).page_info, "end_cursor")),
}


def with_one(of: Callable[..., Any], names: Iterable[str]) -> dict[str, Make]:
    """Cases with one strange value under one of these names."""
    return {
        f"{name} {value!r}": lambda info, name=name, value=value: of(info, name, value)  # type: ignore[misc]
        for name in names
        for value in STRANGE
    }


PAGES |= with_one(
    lambda info, name, value: page(info, **{name: value}),
    ("nodes", "edges", "page_info", "total_count"),
)
PAGES |= with_one(
    lambda info, name, value: page(info, facts={name: value}), ("has_next_page", "start_cursor")
)
PAGES |= with_one(lambda info, name, value: page(info, {}, {name: value}), ("id", "name", "age"))
PAGES |= with_one(lambda info, _, value: page(info, cursors=["0", value, "2"]), ("cursor",))
PAGES |= with_one(lambda _info, _name, value: value, ("value",))

BOXES: dict[str, Make] = {
    "good": lambda _: box(),
    "inside": lambda _: box(maybe=Figures(least=None, mean=1.0)),
    "row inside": lambda info: box(best=rows(info, {})[0]),
    "awaited": lambda _: box(figures=Later(Figures(least=1, mean=None))),
    "raised": failing,
    "no count": lambda _: without(box(), "count"),
    "no least": lambda _: box(figures=without(Figures(least=1, mean=1.0), "least")),
    "interface": lambda _: box(named=Named(name="I")),
    "a row": lambda info: rows(info, {})[0],
    "a page": page,
}
BOXES |= with_one(lambda _, name, value: box(**{name: value}), Box.__annotations__)
BOXES |= with_one(
    lambda _, name, value: box(figures=Figures(**{"least": None, "mean": None, name: value})),
    ("least", "mean"),
)
BOXES |= with_one(lambda _info, _name, value: value, ("value",))

"""What leaves the fast path says so, with the reason, and is counted."""

import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, cast

import pytest
import strawberry
from strawberry.extensions import SchemaExtension

from graph.engine.fallback import MAX_COUNTS, OTHERS, Fallbacks
from graph.errors import logger
from graph.hero.queries import Query
from graph.settings import Settings
from tests.support.databases import on_sqlite
from tests.support.served_schemas import Serve, serving_schemas

pytestmark = on_sqlite


@pytest.fixture
def serve_schema(configure: Callable[..., Settings]) -> Iterator[Serve]:
    with serving_schemas(configure) as serve:
        yield serve


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The debug lines about fallbacks."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "graphql-core executes" in record.getMessage():
                lines.append(record.getMessage() + " with frames" * bool(record.exc_info))

    handler, level = Handler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.setLevel(level)
    logger.removeHandler(handler)


@strawberry.type
class Thing:
    name: str
    price: Decimal

    @strawberry.field
    async def shout(self) -> str:
        return self.name.upper()

    @strawberry.field
    def whisper(self) -> str:
        return self.name.lower()


class Odd:
    """Looks like a thing."""

    name = "odd"


@strawberry.type
class Things(Query):
    @strawberry.field
    def thing(self) -> Thing:
        return Thing(name="a", price=Decimal(1))

    @strawberry.field
    def odd(self) -> Thing:
        return cast("Thing", Odd())

    @strawberry.field
    def wrong(self) -> Thing:
        name: Any = 7
        return Thing(name=name, price=Decimal(1))


BELOW = "a field below it has a resolver"
VARIABLES = """query Q($a: Boolean = false, $b: Boolean = false, $c: Boolean = false,
  $d: Boolean = false, $e: Boolean = false) { thing {
  a: name @skip(if: $a) b: name @skip(if: $b) c: name @skip(if: $c)
  d: name @skip(if: $d) e: name @skip(if: $e) } }"""


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("query Q { thing { name } }", None),
        (
            "query Q($id: ID! = 1, $at: Int) { heroes(limit: $at) { id } hero(id: $id) { id } }",
            None,
        ),
        (
            "query Q($by: [HeroOrder!] = []) { heroes(orderBy: $by) { id } }",
            "variables: a variable is left out, or not in its exact type",
        ),
        ("query Q { thing { shout } }", f"thing: {BELOW}"),
        ("query Q { thing { whisper } }", "thing: its resolver returned neither rows of `info.col"),
        ("query Q { odd { name } }", "odd: its resolver returned neither rows of `info.columns` "),
        ("query Q { wrong { name } }", "wrong: a value has another Python type than its scalar"),
        ("query Q { __typename }", "__typename: it is graphql-core's own"),
        (VARIABLES, "all: it has more than 4 variables in @skip and @include"),
        (
            "query Q($id: ID = 1) { heroes(where: { id: { in: [$id] } }) { id } }",
            "variables: a variable is inside a list or an object",
        ),
    ],
)
def test_what_leaves_the_fast_path_says_why(
    serve_schema: Serve, said: list[str], query: str, reason: str | None
) -> None:
    api = serve_schema(Things)
    for count in (1, 2):
        said.clear()
        api.execute(query)
        expected = f"graphql-core executes a part of operation Q ({count} times): {reason}"
        assert [line[: len(expected)] for line in said[-1:]] == ([expected] if reason else [])


def test_an_extension_and_a_value_without_a_name(serve_schema: Serve, said: list[str]) -> None:
    api = serve_schema(Things, extensions=[SchemaExtension])
    api.execute("{ thing { name } }")
    (line,) = said
    assert line.endswith("without a name (1 times): all: the schema has an extension")


def test_a_fault_is_logged_with_its_frames(
    serve_schema: Serve, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = serve_schema(Things)

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("graph.engine._compiled.results.getattr", broken, raising=False)
    assert api.data("query Q { thing { name } }") == {"thing": {"name": "a"}}
    (line,) = said
    assert line.endswith("Q (1 times): thing: ZeroDivisionError with frames")


def test_the_counts_are_bounded() -> None:
    fallbacks = Fallbacks()
    for number in range(2 * MAX_COUNTS):
        fallbacks.add(f"Q{number}" + "n" * 1_000, "all", "it is slow")
    assert len(fallbacks.counts) == MAX_COUNTS + 1
    assert fallbacks.counts[OTHERS, "all: it is slow"] == MAX_COUNTS
    assert max(len(name) for name, _ in fallbacks.counts) == 100

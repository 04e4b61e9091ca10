"""Schemas with a user's own resolvers, models, data loaders, mutations and schema extensions."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any

import pytest
import strawberry
import strawberry.pydantic
from sqlalchemy import func, select
from sqlmodel import select as select_models
from strawberry.extensions import SchemaExtension

from graph.database.base import Session
from graph.database.statement import Statement
from graph.engine.context import Info
from graph.engine.schema import Schema, SerialExecutor
from graph.hero.model import HERO, Hero
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.types import Hero as HeroType
from tests.support.client import Client
from tests.support.databases import on_sqlite, slow_on_postgresql
from tests.support.hero_statements import page_of_heroes
from tests.support.response_shape import labelled
from tests.support.served_schemas import Serve, resolved

COUNT = Statement(select(func.count().label("count")).select_from(HERO))


@strawberry.type
class MoreQueries(Query):
    @strawberry.field
    async def hero_count(self, info: Info) -> int:
        resolved.append("heroCount")
        return int((await info.context.session.fetch(COUNT))[0].count)

    @strawberry.field
    async def models(self, info: Info) -> list[HeroType]:
        resolved.append("models")
        found: Any = await info.context.session.orm.exec(select_models(Hero).order_by(HERO.c.id))
        return list(found.all())

    @strawberry.field
    async def maybe(self) -> HeroType | None:
        resolved.append("maybe")
        return None

    @strawberry.field
    async def fails(self) -> HeroType:
        resolved.append("fails")
        raise ValueError("no")


@strawberry.type
class MoreMutations(Mutation):
    @strawberry.mutation
    async def send(self, info: Info) -> HeroType:
        resolved.append("send")
        hero = Hero(name="Sent", secret_name="x")  # noqa: S106 (not secret)
        info.context.session.orm.add(hero)
        await info.context.session.orm.flush()
        return hero  # type: ignore[return-value] # (an object of the model, as people return it)


@slow_on_postgresql
def test_a_scalar_of_a_root_field(serve_schema: Serve) -> None:
    api = serve_schema(MoreQueries)
    api.create("A")
    assert api.data("{ heroCount heroes { name } }") == {"heroCount": 1, "heroes": [{"name": "A"}]}


@slow_on_postgresql
def test_objects_of_the_model(serve_schema: Serve) -> None:
    api = serve_schema(MoreQueries, MoreMutations)
    api.create("A")
    data = api.data("{ models { id name age t: __typename } heroes { id } maybe { id } }")
    assert data == {
        "models": [{"id": "1", "name": "A", "age": None, "t": "Hero"}],
        "heroes": [{"id": "1"}],
        "maybe": None,
    }
    assert resolved == ["models", "maybe"]


@slow_on_postgresql
def test_a_mutation_that_returns_an_object_runs_once(serve_schema: Serve) -> None:
    api = serve_schema(MoreQueries, MoreMutations)
    assert api.data("mutation { send { id name } }") == {"send": {"id": "1", "name": "Sent"}}
    assert resolved == ["send"]
    assert [hero["name"] for hero in api.heroes()] == ["Sent"]


def test_a_schema_is_executed_without_a_service() -> None:
    @strawberry.type
    class Plain:
        @strawberry.field
        def one(self) -> int:
            return 1

        @strawberry.field
        async def two(self) -> int:
            return 2

    schema = Schema(Plain)
    assert schema.execute_sync("{ one more: one }").data == {"one": 1, "more": 1}
    result = asyncio.run(schema.execute("{ one two more: one }"))
    assert result.data == {"one": 1, "two": 2, "more": 1}


@slow_on_postgresql
def test_a_resolver_that_fails_runs_once(serve_schema: Serve) -> None:
    api = serve_schema(MoreQueries)
    assert api.codes("{ heroCount fails { id } heroes { id } }") == ["INTERNAL_SERVER_ERROR"]
    assert resolved == ["heroCount", "fails"]


@strawberry.pydantic.type
class Initialed(HeroType):
    @strawberry.pydantic.field
    def initials(self) -> str:
        return self.secret_name[:1] + self.name[:1]


@slow_on_postgresql
def test_a_field_with_a_resolver_has_every_column(serve_schema: Serve) -> None:
    @strawberry.type
    class Initials(Query):
        @strawberry.field
        async def initialed(self, info: Info) -> Sequence[Initialed]:
            return await page_of_heroes(info.columns).fetch(info.context.session, 10)

    api = serve_schema(Initials)
    api.create("Deadpond", secretName="Dive Wilson")
    data = api.data("{ initialed { initials } heroes { name } }")
    assert data == {"initialed": [{"initials": "DD"}], "heroes": [{"name": "Deadpond"}]}


async def same_name(session: Session, names: list[str]) -> list[list[Any]]:
    """Load the heroes of each name."""
    resolved.append(f"load {len(names)}")
    models: Any = await session.orm.exec(select_models(Hero).where(HERO.c.name.in_(names)))
    found = models.all()
    return [[hero for hero in found if hero.name == name] for name in names]


@strawberry.pydantic.type
class Namesake(HeroType):
    @strawberry.pydantic.field
    async def namesakes(self, info: Info) -> list[Annotated["Namesake", strawberry.lazy(__name__)]]:
        loaded: Any = await info.context.loader(same_name).load(self.name)
        return list(loaded)


@strawberry.type
class Namesakes(Query):
    @strawberry.field
    async def named(self, info: Info) -> Sequence[Namesake]:
        return await page_of_heroes(info.columns).fetch(info.context.session, 9)


@slow_on_postgresql
def test_a_loader_asks_once(serve_schema: Serve) -> None:
    api = serve_schema(Namesakes, max_rows=1_000_000, max_cost=100_000_000)
    for name in "AABC":
        api.create(name)
    query = "{ named { name namesakes { id } n: namesakes { name } } heroes(limit: 1) { name } }"
    data = api.data(query)
    assert [len(hero["namesakes"]) for hero in data["named"]] == [2, 2, 1, 1]
    assert data["heroes"] == [{"name": "A"}]
    assert resolved == ["load 3"]  # one load for the three distinct names


async def longest_names(session: Session, names: list[str]) -> list[int]:
    """Load the length of the longest name, once per key."""
    resolved.append(f"lengths of {len(names)}")
    rows = await session.fetch(LENGTHS)
    return [rows[0].length for _ in names]


LENGTHS = Statement(select(func.max(func.length(HERO.c.name)).label("length")))


@strawberry.pydantic.type
class Measured(HeroType):
    @strawberry.pydantic.field
    async def longest(self, info: Info) -> int:
        return await info.context.loader(longest_names).load(self.name)

    @strawberry.pydantic.field
    async def count(self, info: Info) -> int:
        return int((await info.context.session.fetch(COUNT))[0].count)


@strawberry.type
class Measures(Mutation):
    @strawberry.mutation
    async def measure(self, info: Info) -> Sequence[Measured]:
        return await page_of_heroes(info.columns).fetch(info.context.session, 9)


def test_fields_side_by_side_share_the_connection_of_a_mutation(serve_schema: Serve) -> None:
    api = serve_schema(Query, Measures)
    for name in "AAA":
        api.create(name)
    data = api.data("mutation { measure { longest count } }")
    assert data == {"measure": [{"longest": 1, "count": 3}] * 3}


@slow_on_postgresql
def test_nested_lists_count_as_rows(serve_schema: Serve) -> None:
    api = serve_schema(Namesakes)
    for query, refused in (
        ("{ heroes { id } named { id } }", False),
        ("{ named { namesakes { id } } }", True),  # 100 of 100 each
    ):
        codes = [each["extensions"]["code"] for each in api.execute(query).get("errors", ())]
        assert codes == (["OPERATION_TOO_COMPLEX"] if refused else [])
    assert resolved == []


@slow_on_postgresql
def test_fields_beside_others_keep_the_fast_path(
    serve_schema: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed: list[str] = []
    complete = SerialExecutor.complete_value

    def note(self: Any, type_: Any, details: Any, info: Any, *args: Any) -> Any:
        completed.append(info.field_name)
        return complete(self, type_, details, info, *args)

    monkeypatch.setattr(SerialExecutor, "complete_value", note)
    api = serve_schema(MoreQueries)
    api.create("A")
    api.data("{ heroes { id name } heroCount hero(id: 1) { name } }")
    assert set(completed) == {"heroCount"}


@strawberry.type
class Pair:
    first: int
    second: str | None


@strawberry.type
class Synchronous(Query):
    @strawberry.field
    def pair(self, info: Info, first: int) -> Pair:
        assert info.selects("first")
        return Pair(first=first, second=None)

    @strawberry.field
    def pairs(self, info: Info) -> list[Pair]:
        assert not info.selects("second")
        return [Pair(first=1, second="b")]


@on_sqlite
def test_a_resolver_may_be_synchronous(serve_schema: Serve) -> None:
    data = serve_schema(Synchronous).data("{ pair(first: 7) { first second } pairs { first } }")
    assert data == {"pair": {"first": 7, "second": None}, "pairs": [{"first": 1}]}


class Hooks(SchemaExtension):
    async def on_operation(self) -> AsyncIterator[None]:
        resolved.append("on_operation")
        yield
        resolved.append("operation over")

    def on_parse(self) -> Iterator[None]:
        yield
        resolved.append("on_parse")

    def on_validate(self) -> Iterator[None]:
        yield
        resolved.append("on_validate")

    async def on_execute(self) -> AsyncIterator[None]:
        yield
        resolved.append("on_execute")

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if root is None:
            resolved.append(f"resolve {info.field_name}")
        return _next(root, info, *args, **kwargs)

    async def get_results(self) -> dict[str, Any]:
        return {"hooks": self.execution_context.operation_name}


def test_the_hooks_of_a_schema_extension_run(serve_schema: Serve) -> None:
    api = serve_schema(extensions=[Hooks])
    query = 'mutation A { createHero(input: {name: "A", secretName: "B"}) { name } }'
    body = labelled_with_extensions(api, query)
    assert body == {"data": {"createHero": {"name": "A"}}, "extensions": {"hooks": "A"}}
    hooks = ["on_operation", "on_parse", "on_validate", "resolve createHero", "on_execute"]
    assert resolved == [*hooks, "operation over"]
    assert [hero["name"] for hero in api.heroes()] == ["A"]
    resolved.clear()
    labelled(api.post({"query": "{ nothing }"}))
    assert resolved == ["on_operation", "on_parse", "on_validate", "operation over"]


class Spoils(SchemaExtension):
    def on_execute(self) -> Iterator[None]:
        yield
        raise ValueError("spoiled")


def test_an_extension_that_fails_undoes_the_operation(serve_schema: Serve) -> None:
    api = serve_schema(extensions=[Spoils])
    query = 'mutation { createHero(input: {name: "A", secretName: "B"}) { name } }'
    assert api.codes(query) == ["INTERNAL_SERVER_ERROR"]
    assert serve_schema().heroes() == []


def labelled_with_extensions(api: Client, query: str) -> dict[str, Any]:
    body = api.post({"query": query}).json()
    assert isinstance(body, dict)
    return body

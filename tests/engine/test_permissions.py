"""Permissions are checked before fields are resolved, also for saved answers."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
import strawberry
import strawberry.pydantic
from sqlmodel import Field
from strawberry.permission import BasePermission, PermissionExtension

from graph.engine.context import Info
from graph.hero.model import HERO, HeroBase, HeroCreate
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.hero.types import Hero as HeroType
from graph.tables.filters import Filter, filter_input
from tests.support.hero_statements import new_hero, page_of_heroes
from tests.support.response_shape import labelled
from tests.support.served_schemas import Serve, resolved


class OnlyAnn(BasePermission):
    message = "Only Ann may."

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        caller = info.context.caller
        return bool(caller.name == "ann" and caller.header("X-Reason"))


class Nobody(BasePermission):
    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        return False

    def on_unauthorized(self) -> None:
        raise PermissionError("Nobody may.")


@strawberry.pydantic.type
class GuardedHero(HeroType):
    @strawberry.pydantic.field(permission_classes=[OnlyAnn])
    def secret(self) -> str:
        return self.secret_name


@strawberry.type
class GuardedQueries(Query):
    @strawberry.field
    async def guarded(self, info: Info) -> Sequence[GuardedHero]:
        return await page_of_heroes(info.columns).fetch(info.context.session, 9)

    @strawberry.field(permission_classes=[Nobody])
    async def closed(self) -> int:
        return 1


@strawberry.type
class GuardedMutations(Mutation):
    @strawberry.mutation(permission_classes=[OnlyAnn])
    async def send(self, info: Info) -> int:  # noqa: ARG002 (a resolver's signature)
        resolved.append("send")
        return 1


class OfAdults(BasePermission):
    """Checks an argument of a root field, and the object of other fields."""

    async def has_permission(self, source: Any, info: Any, **arguments: Any) -> bool:
        asked.append(info.field_name)
        age = source.age if source is not None else arguments["hero"].age
        return bool(age >= least_age[-1])


class Unknowing(BasePermission):
    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        return bool(source.secret_name)


asked: list[str] = []
least_age = [0]


@strawberry.pydantic.type
class Adult(HeroType):
    @strawberry.pydantic.field(permission_classes=[OfAdults])
    def secret(self) -> str:
        return self.secret_name

    @strawberry.pydantic.field(permission_classes=[Unknowing])
    def other_secret(self) -> str:
        return self.secret_name

    @strawberry.pydantic.field(extensions=[PermissionExtension([OnlyAnn()], fail_silently=True)])
    def for_ann(self) -> str | None:
        return self.secret_name


CREATE_ADULT = """
mutation($age: Int!) { createAdult(hero: {name: "A", secretName: "B", age: $age}) { %s } }
"""


@strawberry.type
class AdultMutations(Mutation):
    @strawberry.mutation(permission_classes=[OfAdults])
    async def create_adult(self, info: Info, hero: HeroCreate) -> Adult:
        resolved.append("createAdult")
        statement, values = new_hero(info.columns), hero.model_dump()
        (row,) = await info.context.session.fetch(statement, **values)
        return cast("Adult", row)


@pytest.mark.parametrize(
    ("selected", "fields"),
    [
        ("id", ["createAdult"]),
        ("age secret", ["createAdult", "secret"]),
        (
            "years: age ...Secrets",
            ["createAdult", "secret"],
        ),
    ],
)
def test_a_saved_answer_needs_the_permissions_again(
    serve_schema: Serve, selected: str, fields: list[str]
) -> None:
    api = serve_schema(Query, AdultMutations)
    query = CREATE_ADULT % selected
    if "..." in selected:
        query += "fragment Secrets on Adult { s: secret }"
    request = {"query": query, "variables": {"age": 18}}
    key = {"Idempotency-Key": "a"}
    least_age[:], asked[:] = [0], []
    first = api.post(request, headers=key)
    assert "errors" not in first.json()
    assert asked == fields
    asked.clear()
    assert api.post(request, headers=key).content == first.content
    assert asked == fields
    least_age.append(21)
    refused = labelled(api.post(request, headers=key))
    assert refused["data"] is None
    (error,) = refused["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["createAdult"], "FORBIDDEN")
    assert resolved == ["createAdult"]
    assert len(api.heroes()) == 1


def test_a_permission_of_a_field_is_asked_again(serve_schema: Serve) -> None:
    api = serve_schema(Query, AdultMutations, tokens="ann=a1")
    token = {"authorization": "Bearer a1"}
    allowed = {**token, "X-Reason": "audit"}
    least_age[:] = [0]

    def send(selected: str, **headers: str) -> dict[str, Any]:
        request = {"query": CREATE_ADULT % selected, "variables": {"age": 18}}
        return labelled(api.post(request, headers={"Idempotency-Key": f'"{selected}"', **headers}))

    # A saved answer that lacks the refused value may be given out; one that has it may not.
    seen = send("forAnn", **allowed)
    assert seen == {"data": {"createAdult": {"forAnn": "B"}}}
    assert send("forAnn", **allowed) == seen
    (error,) = send("forAnn", **token)["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["createAdult", "forAnn"], "FORBIDDEN")
    unseen = send("id forAnn", **token)
    assert unseen["data"]["createAdult"]["forAnn"] is None
    assert send("id forAnn", **token) == send("id forAnn", **allowed) == unseen
    # A permission that needs an unselected field refuses.
    assert "errors" not in send("otherSecret", **token)
    assert send("otherSecret", **token)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "errors" not in send("otherSecret secretName", **token)
    assert "errors" not in send("otherSecret secretName", **token)


def test_permissions_see_the_caller(serve_schema: Serve, caplog: pytest.LogCaptureFixture) -> None:
    api = serve_schema(GuardedQueries, GuardedMutations, tokens="ann=a1,bob=b1")
    for token, more, allowed in (
        ("a1", {"X-Reason": "audit"}, True),
        ("a1", {}, False),
        ("b1", {"X-Reason": "audit"}, False),
    ):
        headers = {"authorization": f"Bearer {token}", **more}
        body = labelled(api.post({"query": "mutation { send }"}, headers=headers))
        if allowed:
            assert body == {"data": {"send": 1}}
            continue
        (error,) = body["errors"]
        assert (error["message"], error["extensions"]["code"]) == ("Only Ann may.", "FORBIDDEN")
        assert error["path"] == ["send"]
    assert resolved == ["send"]
    assert api.post({"query": "{ heroes { id } }"}).status_code == 401
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_guarded_field_does_not_affect_its_siblings(
    serve_schema: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    api = serve_schema(GuardedQueries)
    api.create("A")
    body = api.execute("{ heroes { name } guarded { name } g: guarded { secret } }")
    assert body["data"] is None
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert api.codes("{ closed }") == ["FORBIDDEN"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@strawberry.pydantic.type
class Veiled(HeroBase):
    """A hero whose name and age need a permission."""

    id: strawberry.ID = Field()

    @strawberry.pydantic.field(name="name", permission_classes=[OnlyAnn])
    def guarded_name(self) -> str:
        return self.name

    @strawberry.pydantic.field(name="age")
    def rounded_age(self) -> int | None:
        return self.age and self.age // 10 * 10


@filter_input(HERO, Veiled, description="Filter of heroes.")
class VeiledFilter(Filter):
    """A filter, which must not reveal values that a client may not read."""


@strawberry.type
class VeiledQueries(Query):
    @strawberry.field
    async def count(self, where: VeiledFilter) -> int:
        return len(where.condition.values)


def test_a_guarded_field_cannot_be_probed_by_filters(serve_schema: Serve) -> None:
    api = serve_schema(VeiledQueries)
    assert api.data('{ count(where: {not: {id: {in: ["1", "2"]}}}) }') == {"count": 2}
    for name in ("name", "age", "guardedName", "roundedAge", "secretName"):
        assert api.codes(f"{{ count(where: {{{name}: {{}}}}) }}") == ["GRAPHQL_VALIDATION_FAILED"]

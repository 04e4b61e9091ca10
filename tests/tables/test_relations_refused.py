"""Relations that cannot be served are refused where they are declared, in a sentence."""

from collections.abc import Callable
from typing import Any

import pytest
import strawberry
import strawberry.pydantic
from sqlalchemy import insert
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel
from strawberry.permission import BasePermission

from graph.tables.resource import Resource
from tests.support.client import Client
from tests.support.tables import run


class Tables(SQLModel, registry=registry()):
    """The base class of the models, with metadata of their own."""


class Link(Tables, table=True):
    """A table between others that may have a pair twice."""

    id: int | None = Field(default=None, primary_key=True)
    city_id: int | None = Field(default=None, foreign_key="city.id")
    person_id: int | None = Field(default=None, foreign_key="person.id")


class CityBase(SQLModel):
    """A city."""

    name: str


class City(CityBase, Tables, table=True):
    """The table of cities."""

    id: int | None = Field(default=None, primary_key=True)
    guests: list["Person"] = Relationship(link_model=Link)
    adults: list["Person"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(City.id == Person.home_id, Person.age >= 18)",
            "viewonly": True,
        }
    )


class PersonBase(SQLModel):
    """A person."""

    age: int
    home_id: int | None = Field(default=None, foreign_key="city.id")
    work_id: int | None = Field(default=None, foreign_key="city.id")


class Person(PersonBase, Tables, table=True):
    """The table of persons."""

    id: int | None = Field(default=None, primary_key=True)
    home: City = Relationship(sa_relationship_kwargs={"foreign_keys": "Person.home_id"})


@strawberry.pydantic.type(name="City")
class CityType(CityBase):
    """A city."""

    id: strawberry.ID


@strawberry.pydantic.type(name="Person")
class PersonType(PersonBase):
    """A person."""

    id: strawberry.ID


CITIES = Resource(City, CityType, create=CityBase, one="city", many="cities")
PERSONS = Resource(Person, PersonType, create=PersonBase, one="person", many="persons")


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: PERSONS.to_one("city", CITIES), "several foreign keys to city"),
        (lambda: PERSONS.to_one("city", CITIES, foreign_key="age"), "no foreign key to city"),
        (lambda: CITIES.to_one("mayor", PERSONS), "no foreign key to person"),
        (lambda: PERSONS.to_one("home", PERSONS), "refers to the table city, not to person"),
        (lambda: PERSONS.to_many("home", CITIES), "make these columns unique, or use to_one"),
        (lambda: CITIES.to_one("guests", PERSONS), "use to_many"),
        (lambda: CITIES.to_many("guests", PERSONS), "make city_id, person_id its primary key"),
        (lambda: CITIES.to_many("adults", PERSONS), "write a resolver for it"),
    ],
)
def test_a_relation_is_refused(declare: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        declare()


class Denied(BasePermission):
    """Denies everybody."""

    message = "no"

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        return False


def test_a_relation_with_a_permission_is_guarded_and_no_filter(
    serve_schema: Callable[..., Client], database_url: str
) -> None:
    PERSONS.to_one("home", CITIES, permission_classes=[Denied])
    CITIES.to_many("residents", PERSONS, foreign_key="home_id")

    @strawberry.type
    class Query:
        persons = PERSONS.page_field()
        cities = CITIES.page_field()

    def fill(connection: Any) -> None:
        Tables.metadata.create_all(connection)
        connection.execute(insert(Tables.metadata.tables["city"]), [{"name": "Rome"}])
        person = {"age": 30, "home_id": 1}
        connection.execute(insert(Tables.metadata.tables["person"]), [person])

    run(database_url, fill)
    api = serve_schema(Query)
    assert api.data("{ cities { residents { age } } }") == {
        "cities": [{"residents": [{"age": 30}]}]
    }
    body = api.execute("{ persons { age home { name } } }")
    assert body["data"] == {"persons": [{"age": 30, "home": None}]}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    described = '{ __type(name: "%s") { inputFields { name } } }'
    for name, has_filter in (("PersonFilter", False), ("CityFilter", True)):
        fields = api.data(described % name)["__type"]["inputFields"]
        assert ({"home", "residents"} & {each["name"] for each in fields} != set()) is has_filter

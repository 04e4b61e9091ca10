"""The API's queries and mutations."""

from tests.client import Client


def test_a_created_hero_is_read_back(api: Client) -> None:
    created = api.create("Deadpond", age=28)
    assert created == {"id": "1", "name": "Deadpond", "age": 28, "secretName": "Dive Wilson"}
    assert api.heroes() == [created]
    assert api.data("{ hero(id: 1) { name } }") == {"hero": {"name": "Deadpond"}}

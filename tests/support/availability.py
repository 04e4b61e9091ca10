"""Checks that a service is ready, and reads and writes."""

import httpx

from tests.support.client import HERO_FIELDS, Client

HERO_BY_ID = f"query Hero($id: ID!) {{ hero(id: $id) {{ {HERO_FIELDS} }} }}"
READ = "{ heroes { id name } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]


def ready(api: Client) -> bool:
    """Whether `/ready` is 200."""
    return api.http.get("/ready").status_code == httpx.codes.OK


def assert_works(api: Client) -> None:
    """Check that a hero can be written and read, and that the service is ready."""
    created = api.create("Back again")
    assert api.data(HERO_BY_ID, id=created["id"]) == {"hero": created}
    assert ready(api)

"""Whether a service works, whatever became of its database meanwhile."""

import httpx

from tests.support.client import HERO_FIELDS, Client

HERO_BY_ID = f"query Hero($id: ID!) {{ hero(id: $id) {{ {HERO_FIELDS} }} }}"
READ = "{ heroes { id name } }"
HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
UNAVAILABLE = ["SERVICE_UNAVAILABLE"]


def ready(api: Client) -> bool:
    """Whether the service says that its database answers."""
    return api.http.get("/ready").status_code == httpx.codes.OK


def assert_works(api: Client) -> None:
    """See a hero written and read, and the service ready."""
    created = api.create("Back again")
    assert api.data(HERO_BY_ID, id=created["id"]) == {"hero": created}
    assert ready(api)

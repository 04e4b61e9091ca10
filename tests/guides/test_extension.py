"""The guide "Add a schema extension"."""

from collections.abc import Callable

from tests.support.client import Client
from tests.support.databases import slow_on_postgresql


@slow_on_postgresql
def test_an_extension_adds_to_every_answer(
    take: Callable[[str], None], serve_copy: Callable[..., Client]
) -> None:
    take("Add a schema extension")
    api = serve_copy()
    created = api.execute(
        'mutation { createHero(input: {name: "Deadpond", secretName: "Dive Wilson"}) { name } }'
    )
    read = api.execute("{ heroes { name } }")
    for body, data in (
        (created, {"createHero": {"name": "Deadpond"}}),
        (read, {"heroes": [{"name": "Deadpond"}]}),
    ):
        assert body["data"] == data
        assert body.keys() == {"data", "extensions"}
        assert isinstance(body["extensions"]["seconds"], float)

"""The guide "Change the page limit"."""

from collections.abc import Callable
from pathlib import Path

from tests.support.client import Client
from tests.support.databases import slow_on_postgresql


@slow_on_postgresql
def test_the_page_limit_is_one_line(
    folder: Path, take: Callable[[str], None], serve_copy: Callable[..., Client]
) -> None:
    take("Change the page limit")
    api = serve_copy(max_rows=50)
    api.create()
    assert len(api.heroes(limit=50)) == 1
    assert api.data("{ heroes { name } }") == {"heroes": [{"name": "Deadpond"}]}  # within 50 rows
    [error] = api.execute("{ heroes(limit: 51) { id } }")["errors"]
    assert error["message"] == "limit must be from 0 to 50, not 51"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    schema = (folder / "schema.graphql").read_text(encoding="utf-8")
    assert "Maximum number of heroes, 0 to 50." in schema
    assert "limit: Int! = 50" in schema

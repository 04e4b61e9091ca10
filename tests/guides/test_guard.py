"""The guide "Guard a field"."""

from collections.abc import Callable
from typing import Any

from tests.support.client import Client
from tests.support.databases import slow_on_postgresql
from tests.support.response_shape import labelled
from tests.support.service_process import run

TOKENS = {"ann": "s3cret", "bob": "t0ken"}
DELETE = 'mutation { deleteHero(id: "1") { name } }'
BEHIND = "{ heroes { secretName } }"


@slow_on_postgresql
def test_a_guarded_field_needs_its_permission(
    take: Callable[[str], None], serve_copy: Callable[..., Client]
) -> None:
    take("Guard a field")
    assert run("schema", "--check", "schema.graphql").returncode == 0  # clients see no change
    api = serve_copy(tokens=",".join(f"{name}={token}" for name, token in TOKENS.items()))

    def ask(name: str, query: str, **headers: str) -> dict[str, Any]:
        headers["authorization"] = f"Bearer {TOKENS[name]}"
        return labelled(api.post({"query": query}, headers=headers))

    create = 'mutation { createHero(input: {name: "A", secretName: "B"}) { id name } }'
    assert ask("bob", create) == {"data": {"createHero": {"id": "1", "name": "A"}}}
    for name, headers in (("bob", {"X-Reason": "curious"}), ("ann", {})):
        for query, path in (
            (DELETE, ["deleteHero"]),
            (BEHIND, ["heroes", 0, "secretName"]),
            (f"{{ heroes {{ name }} s: {BEHIND[2:]}", ["s", 0, "secretName"]),
        ):
            body = ask(name, query, **headers)
            [error] = body["errors"]
            assert (body["data"], error["path"]) == (None, path)
            assert error["message"] == "Only Ann may do this, with a reason."
            assert error["extensions"] == {"code": "FORBIDDEN"}
    assert ask("bob", "{ heroes { name } }") == {"data": {"heroes": [{"name": "A"}]}}
    reason = {"X-Reason": "retired"}
    assert ask("ann", BEHIND, **reason) == {"data": {"heroes": [{"secretName": "B"}]}}
    assert ask("ann", DELETE, **reason) == {"data": {"deleteHero": {"name": "A"}}}
    assert ask("bob", "{ heroes { name } }") == {"data": {"heroes": []}}

"""Checks of the shape of every response, errors included."""

from typing import Any

import httpx

from graph.errors import Code


def all_labelled(response: httpx.Response) -> list[dict[str, Any]]:
    """The bodies of a response (several for a batch); every error must have a code."""
    assert response.status_code < 500, response.text
    assert response.headers["content-type"].split(";")[0] in {
        "application/json",
        "application/graphql-response+json",
    }
    value = response.json()
    bodies = value if isinstance(value, list) else [value]
    for body in bodies:
        assert body.keys() in ({"data"}, {"errors"}, {"data", "errors"}), body
        for error in body.get("errors", ()):
            assert error["message"]
            assert error["extensions"]["code"] in set(Code)
            assert error["extensions"]["code"] != Code.INTERNAL_SERVER_ERROR
    return bodies


def labelled(response: httpx.Response) -> dict[str, Any]:
    """The body of the response to one operation."""
    (body,) = all_labelled(response)
    return body


def code(response: httpx.Response) -> str:
    """The code of the response's only error."""
    (error,) = labelled(response)["errors"]
    found = error["extensions"]["code"]
    assert isinstance(found, str)
    return found

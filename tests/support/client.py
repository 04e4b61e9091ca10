"""A GraphQL client over HTTP."""

import ssl
from json import dumps
from typing import Any, Self

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A context without the machine's certificates, which take 25 ms to read."""

HERO_FIELDS = "id name age secretName"

CREATE = f"""
mutation Create($input: CreateHeroInput!) {{ createHero(input: $input) {{ {HERO_FIELDS} }} }}
"""

CREATE_TWO = f"""
mutation CreateTwo($input: CreateHeroInput!) {{
  createHero(input: $input) {{ {HERO_FIELDS} }}
  other: createHero(input: $input) {{ id }}
}}
"""
"""Needs a transaction on every database."""

PAGE = f"""
query Page($offset: Int! = 0, $limit: Int! = 100) {{
  heroes(offset: $offset, limit: $limit) {{ {HERO_FIELDS} }}
}}
"""


def literal(value: Any) -> str:
    """A value as a literal in a document."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return dumps(value, ensure_ascii=False)


class Client:
    """Client of a running service.

    Args:
        url: the service's base URL, without `/graphql`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30, verify=NO_CERTIFICATES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def post(self, json: Any, **options: Any) -> httpx.Response:
        """The raw answer to a POST of this JSON value."""
        # Escaped, so that a lone surrogate can be sent, too.
        headers = {"content-type": "application/json", **options.pop("headers", {})}
        return self.http.post("/graphql", content=dumps(json), headers=headers, **options)

    def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """The body of the answer."""
        response = self.post({"query": query, "variables": variables})
        body = response.json()
        assert response.status_code == httpx.codes.OK, body
        assert isinstance(body, dict)
        return body

    def data(self, query: str, **variables: Any) -> Any:
        """The data of an answer that must have no errors."""
        body = self.execute(query, **variables)
        assert "errors" not in body, body
        return body["data"]

    def codes(self, query: str, **variables: Any) -> list[str]:
        """The codes of an answer's errors."""
        return [error["extensions"]["code"] for error in self.execute(query, **variables)["errors"]]

    def create(self, name: str = "Deadpond", **fields: Any) -> dict[str, Any]:
        """A new hero, with all its fields."""
        hero = {"name": name, "secretName": "Dive Wilson", **fields}
        created = self.data(CREATE, input=hero)["createHero"]
        assert isinstance(created, dict)
        return created

    def heroes(self, **page: int) -> list[dict[str, Any]]:
        """A page of heroes, with all their fields."""
        heroes = self.data(PAGE, **page)["heroes"]
        assert isinstance(heroes, list)
        return heroes

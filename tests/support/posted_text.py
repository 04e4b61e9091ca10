"""Requests with any body and media type."""

import httpx

from tests.support.client import Client

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


def post(api: Client, content: str | bytes, **headers: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.http.post("/graphql", content=content, headers={"content-type": JSON, **headers})

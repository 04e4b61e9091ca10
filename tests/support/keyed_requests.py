"""Requests with an idempotency key."""

from typing import Any

import httpx

from tests.support.client import CREATE, Client

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}
CREATION = {"query": CREATE, "variables": {"input": HERO}}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def send(api: Client, request: Any = CREATION, key: str = KEY, **headers: str) -> httpx.Response:
    return api.post(request, headers={"Idempotency-Key": f'"{key}"', **headers})


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]

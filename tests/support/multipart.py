"""A client of Apollo's multipart responses."""

import json
from collections.abc import Iterator
from typing import Any

import httpx


def parts(response: httpx.Response) -> Iterator[Any]:
    """The JSON values of the parts, each as soon as the next boundary has come.

    Raises:
        EOFError: the response ended without the final boundary.
    """
    buffer = ""
    for text in response.iter_text():
        buffer += text
        while "\r\n--graphql" in buffer and not buffer.startswith("--"):
            part, _, buffer = buffer.partition("\r\n--graphql")
            head, _, body = part.partition("\r\n\r\n")
            if part:
                assert head == "\r\nContent-Type: application/json"
                yield json.loads(body)
    if buffer != "--\r\n":
        raise EOFError

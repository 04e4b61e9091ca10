"""An app that gives one answer to whatever it is asked: what uvicorn leaves to any other."""

from starlette.types import Receive, Scope, Send

ANSWER = b'{"secretName":""}'
"""As short as may be, for what counts the wrong answers."""

HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(ANSWER)).encode()),
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})

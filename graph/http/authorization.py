"""Bearer tokens of requests (RFC 6750), and the callers that they name."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.engine.context import Caller
from graph.errors import Code
from graph.http.errors import HTTPError
from graph.settings import Settings


@dataclass(slots=True)
class HTTPCaller(Caller):
    """The client that sent a request over HTTP."""

    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    """Headers of the request, by lower-case name."""

    def header(self, name: str) -> str | None:
        value = self.headers.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")


class Authorization:
    """Checks tokens, and names their callers."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = [
            (name, token.get_secret_value().encode()) for name, token in settings.tokens.items()
        ]

    @property
    def is_needed(self) -> bool:
        """Whether a request needs a token."""
        return bool(self._tokens)

    def caller(self, headers: Mapping[bytes, bytes], address: str) -> HTTPCaller:
        """Return the caller with these headers and this address.

        Raises:
            HTTPError: a token is required, and the headers have no valid one.
        """
        if not self._tokens:
            return HTTPCaller(None, address, headers)
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        # All tokens are compared, each in constant time, so that the time tells nothing.
        matches = [
            name for name, token in self._tokens if hmac.compare_digest(given.strip(), token)
        ]
        if scheme.lower() != b"bearer" or not matches:
            message = "A valid bearer token is needed."
            challenge = (b"www-authenticate", b"Bearer")
            raise HTTPError(401, message, challenge, code=Code.UNAUTHENTICATED)
        return HTTPCaller(matches[0], address, headers)

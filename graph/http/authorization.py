"""Bearer tokens of requests (RFC 6750), and the callers that they name."""

import hmac
from collections.abc import Mapping

from graph.engine.context import Caller
from graph.errors import Code
from graph.http.errors import HTTPError
from graph.settings import Settings


class Authorization:
    """Checks tokens, and names their holders."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = [
            (name, token.get_secret_value().encode()) for name, token in settings.tokens.items()
        ]

    @property
    def is_needed(self) -> bool:
        """Whether a request needs a token."""
        return bool(self._tokens)

    def caller(self, headers: Mapping[bytes, bytes], address: str) -> Caller:
        """Who sends a request with these headers from an address.

        Raises:
            HTTPError: it has no valid token, and needs one.
        """
        if not self._tokens:
            return Caller(None, headers, address)
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        # Each is compared, in the same time whether it is the one or not.
        matches = [
            name for name, token in self._tokens if hmac.compare_digest(given.strip(), token)
        ]
        if scheme.lower() != b"bearer" or not matches:
            message = "A valid bearer token is needed."
            challenge = (b"www-authenticate", b"Bearer")
            raise HTTPError(401, message, challenge, code=Code.UNAUTHENTICATED)
        return Caller(matches[0], headers, address)

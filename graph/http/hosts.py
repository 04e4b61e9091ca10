"""Allowed hosts: protects a local service against DNS rebinding.

A page may only read answers of its own site. But the owner of a site can point its name to this
machine while the page is open. The page's requests then have that name as their `Host`.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.http.errors import HTTPError, body_of
from graph.http.response import SECURITY
from graph.http.websocket import refuse

LOOPBACK = ("localhost", "127.0.0.0/8", "::1")
"""Hosts that always mean this machine, as in the setting."""

HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^][:/@\s]+?)\.?)(?::[0-9]*)?")
"""A `Host` header in lower case: name or address, and an optional port (RFC 9110, 7.2)."""


class AllowedHosts:
    """Rejects requests for other hosts, with the status 421 (RFC 9110, sections 7.4 and 15.5.20).

    A request without `Host` passes: HTTP/1.0 allows it, and no browser sends it.

    Args:
        app: answers the requests for allowed hosts.
        allowed: host names, domains such as `*.example.org`, addresses or networks.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(allowed)
        self._domains = tuple(name[1:] for name in allowed if name.startswith("*."))
        self._networks: list[IPv4Network | IPv6Network] = []
        for name in allowed:
            with suppress(ValueError):
                self._networks.append(ip_network(name))
        self._allows = lru_cache(maxsize=64)(
            self._is_one
        )  # a client sends the same header each time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or all(
            self._allows(value) for name, value in scope["headers"] if name == b"host"
        ):
            await self._app(scope, receive, send)
            return
        error = HTTPError(
            421, "This host is not served. To serve it, add it to GRAPH_ALLOWED_HOSTS."
        )
        if scope["type"] == "websocket":
            await receive()  # that the client wants to connect
            await refuse(scope, send, error)
            return
        # The body is not read, so the connection cannot be used again.
        headers = {**SECURITY, "connection": "close"}
        answer = JSONResponse(body_of(error), error.status, headers)
        await answer(scope, receive, send)

    def _is_one(self, header: bytes) -> bool:
        found = HOST.fullmatch(header.decode("latin-1").lower())
        if found is None:
            return False
        host = found[1] or found[2]
        return host in self._names or host.endswith(self._domains) or self._is_in_a_network(host)

    def _is_in_a_network(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

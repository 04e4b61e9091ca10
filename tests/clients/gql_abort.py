"""Requests of gql that are given up in flight: the service at the URL given answers nothing."""

import asyncio
import sys

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.requests import RequestsHTTPTransport

url = sys.argv[1]

HEROES = gql("{ heroes { id } }")


async def main() -> None:
    async with Client(transport=AIOHTTPTransport(url=url)) as session:
        request = asyncio.create_task(session.execute(HEROES))
        await asyncio.sleep(0.2)
        request.cancel()
        try:
            await request
        except asyncio.CancelledError:
            print("cancelled")


try:
    Client(transport=RequestsHTTPTransport(url=url, timeout=1)).execute(HEROES)
except TransportConnectionFailed:
    print("timed out")
asyncio.run(main())

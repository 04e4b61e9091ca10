"""gql's subscriptions to the service at the URL given: python gql_subscriptions.py http://…/graphql"""

import asyncio
import sys

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

url = sys.argv[1]

COUNT = gql("subscription Count($to: Int!) { count(to: $to) }")


async def main() -> None:
    for transport in (
        AIOHTTPTransport(url=url),
        WebsocketsTransport(url=url.replace("http", "ws")),
    ):
        async with Client(transport=transport) as session:
            results = session.subscribe(COUNT, variable_values={"to": 3})
            print([result["count"] async for result in results])


asyncio.run(main())

"""gql's async client against the service at the URL given: python gql_async.py http://…/graphql"""

import asyncio
import sys

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError

url = sys.argv[1]

PAGE = gql("""
  query Page($offset: Int!, $limit: Int!) {
    heroes(offset: $offset, limit: $limit) { id name }
  }
""")
CREATE = gql("mutation Create($input: CreateHeroInput!) { createHero(input: $input) { id } }")
DELETE = gql("mutation Delete($id: ID!) { deleteHero(id: $id) { id } }")


async def main() -> None:
    transport = AIOHTTPTransport(url=url, timeout=10)
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        for name in ("A", "B", "C"):
            hero = {"name": name, "secretName": "Dive Wilson"}
            created = await session.execute(CREATE, variable_values={"input": hero})
        hero_id = created["createHero"]["id"]
        await session.execute(DELETE, variable_values={"id": hero_id})
        pages = await asyncio.gather(
            *(
                session.execute(PAGE, variable_values={"offset": offset, "limit": 1})
                for offset in (0, 1, 2)
            )
        )
        print([hero["name"] for page in pages for hero in page["heroes"]])
        try:
            await session.execute(DELETE, variable_values={"id": hero_id})
        except TransportQueryError as error:
            print([detail["extensions"]["code"] for detail in error.errors or ()])


asyncio.run(main())

"""gql's sync client against the service at the URL given: python gql_sync.py http://…/graphql"""

import sys

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

url = sys.argv[1]

PAGE = gql("""
  query Page($offset: Int!, $limit: Int!) {
    heroes(offset: $offset, limit: $limit) { id name }
  }
""")
CREATE = gql("mutation Create($input: CreateHeroInput!) { createHero(input: $input) { id } }")
DELETE = gql("mutation Delete($id: ID!) { deleteHero(id: $id) { id } }")

client = Client(
    transport=RequestsHTTPTransport(url=url, timeout=10), fetch_schema_from_transport=True
)
with client as session:
    for name in ("A", "B", "C"):
        hero = {"name": name, "secretName": "Dive Wilson"}
        created = session.execute(CREATE, variable_values={"input": hero})["createHero"]
    session.execute(DELETE, variable_values={"id": created["id"]})
    heroes = []
    for offset in (0, 1, 2):
        page = {"offset": offset, "limit": 1}
        heroes += session.execute(PAGE, variable_values=page)["heroes"]
    print([hero["name"] for hero in heroes])
    try:
        session.execute(DELETE, variable_values={"id": created["id"]})
    except TransportQueryError as error:
        print([detail["extensions"]["code"] for detail in error.errors or ()])

// graphql-request against the service at the URL given: node graphql-request.mjs http://…/graphql
import assert from "node:assert/strict";
import test from "node:test";
import { taken } from "./traffic.mjs";

const url = process.argv[2];

import { ClientError, GraphQLClient, gql } from "graphql-request";

const client = new GraphQLClient(url);

const PAGE = gql`
  query Page($offset: Int!, $limit: Int!) {
    heroes(offset: $offset, limit: $limit) {
      id
      name
    }
  }
`;

const CREATE = gql`
  mutation Create($input: CreateHeroInput!) {
    createHero(input: $input) {
      id
    }
  }
`;

const DELETE = gql`
  mutation Delete($id: ID!) {
    deleteHero(id: $id) {
      name
    }
  }
`;

const create = async (name) => {
  const { createHero } = await client.request(CREATE, { input: { name, secretName: "x" } });
  return createHero.id;
};

const codeOf = (error) =>
  error instanceof ClientError ? error.response.errors[0].extensions.code : undefined;

test("queries and mutations with variables, page by page", async () => {
  const id = await create("A");
  for (const name of ["B", "C"]) await create(name);
  const names = async (offset) =>
    (await client.request(PAGE, { offset, limit: 2 })).heroes.map((hero) => hero.name);
  assert.deepEqual([await names(0), await names(2)], [["A", "B"], ["C"]]);
  assert.deepEqual(await client.request(DELETE, { id }), { deleteHero: { name: "A" } });
});

test("an error has its code", async () => {
  taken();
  await assert.rejects(client.request(DELETE, { id: "99" }), (error) => codeOf(error) === "NOT_FOUND");
  await assert.rejects(client.request("{ villains }"), (error) => {
    return codeOf(error) === "GRAPHQL_VALIDATION_FAILED";
  });
  await assert.rejects(client.request(CREATE, { input: {} }), (error) => {
    return codeOf(error) === "BAD_USER_INPUT";
  });
  assert.deepEqual(taken().map((entry) => entry.status), [294, 422, 422]);
});

test("several operations go in one request, and are answered in order", async () => {
  taken();
  const input = { name: "D", secretName: "x" };
  const [created, page] = await client.batchRequests([
    { document: CREATE, variables: { input } },
    { document: PAGE, variables: { offset: 2, limit: 2 } },
  ]);
  assert.equal(taken().length, 1);
  assert.deepEqual(page.data.heroes, [{ id: created.data.createHero.id, name: "D" }]);
});

// urql against the service at the URL given: node urql.mjs http://…/graphql
import assert from "node:assert/strict";
import test from "node:test";
import { taken } from "./traffic.mjs";

const url = process.argv[2];

import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { simplePagination } from "@urql/exchange-graphcache/extras";
import { persistedExchange } from "@urql/exchange-persisted";

const forgetPages = (_result, _args, cache) => {
  for (const { fieldName, arguments: page } of cache.inspectFields("Query")) {
    if (fieldName === "heroes") cache.invalidate("Query", fieldName, page);
  }
};

const client = new Client({
  url,
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      resolvers: {
        Query: { heroes: simplePagination({ offsetArgument: "offset", limitArgument: "limit" }) },
      },
      updates: {
        Mutation: {
          createHero: forgetPages,
          deleteHero: (_result, { id }, cache) => cache.invalidate({ __typename: "Hero", id }),
        },
      },
    }),
    persistedExchange({ preferGetForPersistedQueries: true }),
    fetchExchange,
  ],
});

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
      name
    }
  }
`;

const UPDATE = gql`
  mutation Update($id: ID!, $input: UpdateHeroInput!) {
    updateHero(id: $id, input: $input) {
      id
      name
    }
  }
`;

const DELETE = gql`
  mutation Delete($id: ID!) {
    deleteHero(id: $id) {
      id
    }
  }
`;

// What the answer says of a hero goes to the cache by its id, and from there to whoever watches it.
const update = (id, input) => client.mutation(UPDATE, { id, input });

const codeOf = (error) => error?.graphQLErrors[0]?.extensions.code;

const create = async (name) => {
  const { data } = await client.mutation(CREATE, { input: { name, secretName: "x" } });
  return data.createHero.id;
};

const page = async (offset, limit) => {
  const { data } = await client.query(PAGE, { offset, limit });
  return data.heroes.map((hero) => hero.name);
};

test("pages merge in the cache, which creating and deleting keep up to date", async () => {
  const id = await create("A");
  for (const name of ["B", "C"]) await create(name);
  assert.deepEqual(await page(0, 2), ["A", "B"]);
  assert.deepEqual(await page(2, 2), ["A", "B", "C"]);
  taken();
  assert.deepEqual(await page(0, 2), ["A", "B", "C"]);
  assert.deepEqual(taken(), [], "what is cached is not asked for again");

  await client.mutation(DELETE, { id });
  assert.deepEqual(await page(0, 2), ["B", "C"]);
  await create("D");
  assert.deepEqual(await page(0, 2), ["B", "C"]);
  assert.deepEqual(await page(2, 2), ["B", "C", "D"]);
});

test("who watches a hero sees its update, without another request", async () => {
  const id = await create("Deadpond");
  const text = gql`query Hero($id: ID!) { hero(id: $id) { id name } }`;
  const shows = {};
  const seen = (name) => new Promise((resolve) => (shows[name] = resolve));
  const [before, after] = [seen("Deadpond"), seen("Wade")];
  const { unsubscribe } = client.query(text, { id }).subscribe(({ data }) => shows[data.hero.name]());
  await before;
  taken();
  await update(id, { name: "Wade" });
  await after;
  unsubscribe();
  assert.equal(taken().length, 1, "only the mutation went over the wire");
});

test("a query is registered, and then named by its hash in a GET", async () => {
  taken();
  const query = gql`query Persisted($id: ID!) { hero(id: $id) { id name } }`;
  for (const id of ["98", "99"]) {
    assert.deepEqual((await client.query(query, { id })).data, { hero: null });
  }
  const [unknown, registered, named, ...others] = taken();
  assert.equal(unknown.method, "GET");
  assert.equal(unknown.answer.errors[0].extensions.code, "PERSISTED_QUERY_NOT_FOUND");
  assert.equal(unknown.status, 404);
  assert.deepEqual(registered.answer.data, { hero: null });
  assert.equal(named.method, "GET");
  assert.equal(named.query.get("query"), null);
  assert.deepEqual(others, []);
});

test("an error has its code", async () => {
  taken();
  const { error } = await client.mutation(DELETE, { id: "99" });
  assert.equal(codeOf(error), "NOT_FOUND");
  const tooFar = await client.query(PAGE, { offset: 0, limit: 101 }, { requestPolicy: "network-only" });
  assert.equal(codeOf(tooFar.error), "BAD_USER_INPUT");
  const statuses = taken().map((entry) => entry.status);
  assert.deepEqual([statuses[0], statuses.at(-1)], [294, 294]);
});

test("a request that is refused has its code too", async () => {
  taken();
  const unknown = await client.query(gql`{ villains { id } }`, {}, { requestPolicy: "network-only" });
  assert.equal(codeOf(unknown.error), "GRAPHQL_VALIDATION_FAILED");
  const { error } = await client.mutation(CREATE, { input: {} });
  assert.equal(codeOf(error), "BAD_USER_INPUT");
  assert.deepEqual(taken().map((entry) => entry.status), [404, 422, 422]);
});

// Apollo Client's links for persisted queries and batches, against the service at the URL given.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { taken } from "./traffic.mjs";

const url = process.argv[2];

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
const link = ApolloLink.from([persisted, new HttpLink({ uri: url })]);

const batched = new BatchHttpLink({ uri: url, batchMax: 10, batchInterval: 20 });

const clientWith = (ofLink) =>
  new ApolloClient({
    link: ofLink,
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: "no-cache" } },
  });

for (const method of ["POST", "GET"]) {
  test(`a query is registered, and then named by its hash, by ${method}`, async () => {
    const useGETForHashedQueries = method === "GET";
    const client = clientWith(
      ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries }),
        new HttpLink({ uri: url }),
      ]),
    );
    const query = gql(`query By${method}($id: ID!) { hero(id: $id) { id name } }`);
    const ask = () => client.query({ query, variables: { id: "99" } });

    assert.equal((await ask()).data.hero, null);
    const [unknown, registered] = taken();
    assert.equal(unknown.answer.errors[0].extensions.code, "PERSISTED_QUERY_NOT_FOUND");
    assert.equal(unknown.status, 404);
    assert.equal(registered.method, "POST");
    assert.deepEqual(registered.answer.data, { hero: null });

    assert.equal((await ask()).data.hero, null);
    const [named, ...others] = taken();
    assert.equal(named.method, method);
    assert.ok(!(named.body?.query ?? named.query.get("query")), "only the hash was sent");
    assert.deepEqual(others, []);
  });
}

test("a mutation is posted although queries are not", async () => {
  const client = clientWith(link);
  const mutation = gql`mutation { deleteHero(id: 99) { id } }`;
  await assert.rejects(client.mutate({ mutation }), /no hero has this id/);
  assert.deepEqual(taken().map((entry) => entry.method), ["POST", "POST"]);
});

test("operations of one moment go in one request", async () => {
  const client = clientWith(batched);
  const heroes = gql`{ heroes(limit: 0) { id } }`;
  const missing = gql`mutation { deleteHero(id: 99) { id } }`;
  const [first, failed, last] = await Promise.allSettled([
    client.query({ query: heroes }),
    client.mutate({ mutation: missing }),
    client.query({ query: gql`query Other { hero(id: 99) { id } }` }),
  ]);
  assert.deepEqual(first.value.data, { heroes: [] });
  assert.equal(failed.reason.errors[0].extensions.code, "NOT_FOUND");
  assert.deepEqual(last.value.data, { hero: null });
  assert.deepEqual(taken().map((entry) => entry.body.length), [3]);
});

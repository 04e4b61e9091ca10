// Subscriptions of several clients to the service at the URL given: node subscriptions.mjs http://…/graphql
import assert from "node:assert/strict";
import test from "node:test";

const url = process.argv[2];

import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client, fetchExchange } from "@urql/core";
import { createClient as createSSEClient } from "graphql-sse";
import { createClient as createWebSocketClient } from "graphql-ws";
import WebSocket from "ws";

const COUNT = "subscription Count($to: Int!) { count(to: $to) }";
const variables = { to: 3 };
const COUNTED = [0, 1, 2].map((count) => ({ data: { count } }));

/** The results of an iterator of `graphql-sse` or `graphql-ws`. */
async function all(iterator) {
  const results = [];
  for await (const result of iterator) results.push(result);
  return results;
}

/** The data of an observable. */
const observed = (observable) =>
  new Promise((resolve, reject) => {
    const results = [];
    observable.subscribe({
      next: ({ data }) => results.push({ data }),
      error: reject,
      complete: () => resolve(results),
    });
  });

const socket = () =>
  createWebSocketClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket });

test("graphql-sse", async () => {
  const client = createSSEClient({ url });
  assert.deepEqual(await all(client.iterate({ query: COUNT, variables })), COUNTED);
  const [{ errors }] = await all(client.iterate({ query: "subscription { nothing }" }));
  assert.equal(errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  client.dispose();
});

test("graphql-ws", async () => {
  const client = socket();
  assert.deepEqual(await all(client.iterate({ query: COUNT, variables })), COUNTED);
  const refused = all(client.iterate({ query: "subscription { nothing }" }));
  await assert.rejects(refused, ([error]) => {
    return error.extensions.code === "GRAPHQL_VALIDATION_FAILED";
  });
  const queried = await all(client.iterate({ query: "{ heroes { name } }" }));
  assert.deepEqual(queried, [{ data: { heroes: [] } }]);
  await client.dispose();
});

test("Apollo Client, in parts of a response", async () => {
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
  assert.deepEqual(await observed(client.subscribe({ query: gql(COUNT), variables })), COUNTED);
});

test("Apollo Client, over WebSocket", async () => {
  const inner = socket();
  const client = new ApolloClient({ link: new GraphQLWsLink(inner), cache: new InMemoryCache() });
  assert.deepEqual(await observed(client.subscribe({ query: gql(COUNT), variables })), COUNTED);
  await inner.dispose();
});

test("urql, by server-sent events", async () => {
  const client = new Client({ url, fetchSubscriptions: true, exchanges: [fetchExchange] });
  const results = await new Promise((resolve) => {
    const received = [];
    client.subscription(COUNT, variables).subscribe(({ data }) => {
      received.push({ data });
      if (received.length === 3) resolve(received);
    });
  });
  assert.deepEqual(results, COUNTED);
});

// Requests that are aborted in flight: the service at the URL given is held up, and answers nothing.
import assert from "node:assert/strict";
import test from "node:test";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { GraphQLClient } from "graphql-request";
import { compiled, execute } from "./relay-network.mjs";
import { taken } from "./traffic.mjs";

const url = process.argv[2];
const text = "{ heroes { id } }";

// Long enough for a request to be on its way, and far too short for an answer.
const soon = () => new Promise((resolve) => setTimeout(resolve, 200));

const signal = () => {
  const controller = new AbortController();
  soon().then(() => controller.abort());
  return controller.signal;
};

const assertAborted = async () => {
  const [{ response }, ...others] = taken();
  await assert.rejects(response, { name: "AbortError" });
  assert.deepEqual(others, []);
};

test("Apollo Client", async () => {
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
  const context = { fetchOptions: { signal: signal() } };
  await assert.rejects(client.query({ query: gql(text), context }), { name: "AbortError" });
  await assertAborted();
});

test("urql", async () => {
  const client = new Client({ url, preferGetMethod: false, exchanges: [fetchExchange] });
  const subscription = client.query(text, {}).subscribe(assert.fail);
  await soon();
  subscription.unsubscribe();
  await assertAborted();
});

test("Relay's network layer", async () => {
  const subscription = execute(compiled(text), {}).subscribe({ next: assert.fail });
  await soon();
  subscription.unsubscribe();
  await assertAborted();
});

test("graphql-request", async () => {
  const client = new GraphQLClient(url);
  await assert.rejects(client.request({ document: text, signal: signal() }), { name: "AbortError" });
  await assertAborted();
});

// Relay's network layer against the service at the URL given: node relay.mjs http://…/graphql
import assert from "node:assert/strict";
import test from "node:test";
import * as layer from "./relay-network.mjs";
import { taken } from "./traffic.mjs";

const { compiled } = layer;
const execute = (...operation) => layer.execute(...operation).toPromise();

const create = async (name) => {
  const text = "mutation Create($input: CreateHeroInput!) { createHero(input: $input) { id } }";
  const input = { name, secretName: "Dive Wilson" };
  return (await execute(compiled(text, "mutation"), { input })).data.createHero.id;
};

const PAGE = compiled(
  "query Page($offset: Int!, $limit: Int!) { heroes(offset: $offset, limit: $limit) { name } }",
);
const DELETE = compiled("mutation Delete($id: ID!) { deleteHero(id: $id) { id } }", "mutation");

test("queries and mutations with variables, page by page", async () => {
  for (const name of ["A", "B", "C"]) await create(name);
  const pages = [await execute(PAGE, { offset: 0, limit: 2 }), await execute(PAGE, { offset: 2, limit: 2 })];
  assert.deepEqual(
    pages.map(({ data }) => data.heroes.map((hero) => hero.name)),
    [["A", "B"], ["C"]],
  );
  assert.deepEqual(await execute(DELETE, { id: "1" }), { data: { deleteHero: { id: "1" } } });
});

test("an error has its code", async () => {
  const { data, errors } = await execute(DELETE, { id: "99" });
  assert.equal(data, null);
  assert.equal(errors[0].extensions.code, "NOT_FOUND");
});

test("a persisted document is named by its id", async () => {
  const { errors } = await execute(compiled(null, "query", "0123"), {});
  assert.equal(errors[0].extensions.code, "PERSISTED_QUERY_NOT_FOUND");
  assert.deepEqual(taken().at(-1).body, { id: "0123", query: null, variables: {} });
});

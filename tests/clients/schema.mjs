// A frontend's check of the schema that it was written for: node schema.mjs http://…/graphql FILE
const [, , url, file] = process.argv;

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as graphql from "graphql";

test("the API still is what this frontend was written for", async () => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: graphql.getIntrospectionQuery() }),
  });
  const { data } = await response.json();
  const current = graphql.buildClientSchema(data);
  const committed = graphql.buildSchema(readFileSync(file, "utf8"));
  assert.deepEqual(graphql.findBreakingChanges(committed, current), []);
});

// A frontend of which only the operations are executed: node trusted.js http://…/graphql
import assert from "node:assert/strict";

const url = process.argv[2]!;

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { graphql } from "./gql/index.js";

const Names = graphql(`
  query Names($limit: Int!) {
    heroes(limit: $limit) {
      name
    }
  }
`);

async function execute<Data, Variables>(
  operation: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { hash } = (operation as unknown as { __meta__: { hash: string } }).__meta__;
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ documentId: hash, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

const { heroes } = await execute(Names, { limit: 1 });
const names: string[] = heroes.map((hero) => hero.name);
assert.deepEqual(names, ["Spider-Boy"]);

// Any other operation, by its text, is refused.
const response = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "{ heroes { secretName } }" }),
});
const { errors } = await response.json();
assert.equal(response.status, 403);
assert.equal(errors[0].extensions.code, "QUERY_NOT_IN_SAFELIST");
console.log("ok");

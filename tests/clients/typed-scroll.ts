// A strict, typed frontend that filters, orders, scrolls and updates: node … http://…/graphql
import assert from "node:assert/strict";

const url = process.argv[2]!;

import { GraphQLClient } from "graphql-request";
import { graphql } from "./gql/index.js";
import type { HeroFilter, HeroOrder } from "./gql/graphql.js";

const client = new GraphQLClient(url);

const Scroll = graphql(`
  query Scroll($after: String, $where: HeroFilter, $orderBy: [HeroOrder!]) {
    heroesConnection(first: 1, after: $after, where: $where, orderBy: $orderBy) {
      totalCount
      edges {
        cursor
        node {
          id
          name
          age
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const Update = graphql(`
  mutation Update($id: ID!, $input: UpdateHeroInput!, $expected: UpdateHeroInput) {
    updateHero(id: $id, input: $input, expected: $expected) {
      name
      age
    }
  }
`);

const Add = graphql(`
  mutation Add($inputs: [CreateHeroInput!]!) {
    createHeroes(inputs: $inputs) {
      id
    }
  }
`);

const where: HeroFilter = { or: [{ age: { gte: 18, isNull: false } }, { name: { startsWith: "Dead" } }] };
const orderBy: HeroOrder[] = [{ field: "AGE", direction: "DESC", nulls: "FIRST" }, { field: "NAME" }];

await client.request(Add, {
  inputs: [
    { name: "Rusty-Man", secretName: "Tommy Sharp", age: 48 },
    { name: "Deadpond", secretName: "Dive Wilson" },
    { name: "Kid", secretName: "x", age: 8 },
  ],
});

const page = (after: string | null) => client.request(Scroll, { after, where, orderBy });

const names: string[] = [];
let cursor: string | null = null;
let more: boolean;
do {
  const { heroesConnection } = await page(cursor);
  const { edges, pageInfo, totalCount } = heroesConnection;
  names.push(...edges.map(({ node }) => node.name));
  cursor = pageInfo.endCursor;
  more = pageInfo.hasNextPage;
  assert.equal(totalCount satisfies number, 2);
} while (more && names.length < 9);
assert.deepEqual(names, ["Deadpond", "Rusty-Man"]);

const { heroesConnection } = await client.request(Scroll, { where: { name: { eq: "Deadpond" } } });
const { id } = heroesConnection.edges[0]!.node;
const { updateHero } = await client.request(Update, { id, input: { age: 30 }, expected: { age: null } });
assert.deepEqual(updateHero, { name: "Deadpond", age: 30 });

// What would be a mistake does not compile.
export const mistakes = () => [
  // @ts-expect-error (an age is compared with numbers)
  client.request(Scroll, { where: { age: { gte: "18" } } }),
  // @ts-expect-error (there is no such comparison of ages)
  client.request(Scroll, { where: { age: { contains: 1 } } }),
  // @ts-expect-error (heroes are not found by their secret names)
  client.request(Scroll, { where: { secretName: { eq: "x" } } }),
  // @ts-expect-error (nor in the order of them)
  client.request(Scroll, { orderBy: [{ field: "SECRET_NAME" }] }),
  // @ts-expect-error (there is no such direction)
  client.request(Scroll, { orderBy: [{ field: "AGE", direction: "UP" }] }),
  // @ts-expect-error (a page may be empty, and has no cursor then)
  heroesConnection.pageInfo.endCursor.length,
  // @ts-expect-error (an update needs the id)
  client.request(Update, { input: { age: 30 } }),
  // @ts-expect-error (an id is not updated)
  client.request(Update, { id, input: { id: "2" } }),
];
console.log("ok");

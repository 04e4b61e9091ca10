// A strict, typed frontend: node typed.js http://…/graphql
// graphql-codegen has made ./gql from schema.graphql and the operations below.
import assert from "node:assert/strict";

const url = process.argv[2]!;

import { GraphQLClient } from "graphql-request";
import { graphql } from "./gql/index.js";

const client = new GraphQLClient(url);

const Page = graphql(`
  query Page($offset: Int!, $limit: Int!) {
    heroes(offset: $offset, limit: $limit) {
      id
      name
      age
    }
  }
`);

const Create = graphql(`
  mutation Create($input: CreateHeroInput!) {
    createHero(input: $input) {
      id
      age
    }
  }
`);

const Hero = graphql(`
  query Hero($id: ID!) {
    hero(id: $id) {
      name
    }
  }
`);

const { createHero } = await client.request(Create, {
  input: { name: "Spider-Boy", secretName: "Pedro Parqueador" },
});
const id: string = createHero.id;
const age: number | null = createHero.age;
const { heroes } = await client.request(Page, { offset: 0, limit: 10 });
assert.deepEqual(heroes, [{ id, name: "Spider-Boy", age }]);

const { hero } = await client.request(Hero, { id });

// What would be a mistake does not compile.
export const mistakes = () => [
  // @ts-expect-error (an age may be null)
  createHero.age.toFixed(),
  // @ts-expect-error (there may be no such hero)
  hero.name,
  // @ts-expect-error (every hero has a secret name)
  client.request(Create, { input: { name: "Rusty-Man" } }),
  // @ts-expect-error (an age is a number)
  client.request(Create, { input: { name: "Rusty-Man", secretName: "x", age: "48" } }),
  // @ts-expect-error (the page has bounds)
  client.request(Page, { offset: 0 }),
  // @ts-expect-error (that field was not asked for)
  heroes[0]!.secretName,
];

assert.equal(hero?.name, "Spider-Boy");
console.log("ok");

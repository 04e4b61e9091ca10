import { name } from "./page.js";

/** What a first visit shows: operations that run as they are, their variables filled in. */

const page = `# A page of heroes. Ctrl-Enter runs it.
#
# No heroes yet? Make some in a terminal:
#
#   ${name} seed --count 1000
#
query Heroes($offset: Int!, $limit: Int!) {
  heroes(offset: $offset, limit: $limit) {
    id
    name
    age
    secretName
  }
}
`;

const found = `# Adults, the youngest first, a page at a time.
# The next page: give endCursor as after, below.
query FindHeroes(
  $first: Int!
  $after: String
  $where: HeroFilter
  $orderBy: [HeroOrder!]
) {
  heroesConnection(
    first: $first
    after: $after
    where: $where
    orderBy: $orderBy
  ) {
    totalCount
    nodes {
      id
      name
      age
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const one = `# One hero, or null when no hero has this id.
query Hero($id: ID!) {
  hero(id: $id) {
    id
    name
    age
    secretName
  }
}
`;

const change = `# Ctrl-Enter runs the one the cursor is in.

mutation CreateHero($input: CreateHeroInput!) {
  createHero(input: $input) {
    id
    name
    age
    secretName
  }
}

# Set the id, below, to that of your new hero.
# CONFLICT if it has other values than expected.
mutation UpdateHero(
  $id: ID!
  $changes: UpdateHeroInput!
  $expected: UpdateHeroInput
) {
  updateHero(id: $id, input: $changes, expected: $expected) {
    id
    name
    age
  }
}

mutation DeleteHero($id: ID!) {
  deleteHero(id: $id) {
    id
    name
  }
}
`;

const json = (value) => JSON.stringify(value, null, 2);

export const examples = [
  { query: page, variables: json({ offset: 0, limit: 10 }) },
  {
    query: found,
    variables: json({
      first: 10,
      after: null,
      where: { age: { gte: 18 } },
      orderBy: [{ field: "AGE" }, { field: "NAME" }],
    }),
  },
  { query: one, variables: json({ id: "1" }) },
  {
    query: change,
    variables: json({
      id: "the id of your hero",
      input: { name: "Deadpond", secretName: "Dive Wilson", age: 28 },
      changes: { age: 29 },
      expected: { age: 28 },
    }),
  },
];

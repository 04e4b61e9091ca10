// Apollo Client's pages by cursor against the service at the URL given: node … http://…/graphql
import assert from "node:assert/strict";
import test from "node:test";
import { isDeepStrictEqual } from "node:util";
import { filter, firstValueFrom } from "rxjs";
import { taken } from "./traffic.mjs";

const url = process.argv[2];

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

const client = new ApolloClient({
  link: new HttpLink({ uri: url }),
  cache: new InMemoryCache({
    typePolicies: {
      Query: { fields: { heroesConnection: relayStylePagination(["where", "orderBy"]) } },
    },
  }),
});

const SCROLL = gql`
  query Scroll($first: Int!, $after: String, $where: HeroFilter, $orderBy: [HeroOrder!]) {
    heroesConnection(first: $first, after: $after, where: $where, orderBy: $orderBy) {
      edges {
        node {
          id
          name
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

// Adds the next page to what the query shows; false when there is none.
const more = async (heroes) => {
  const { hasNextPage, endCursor } = heroes.getCurrentResult().data.heroesConnection.pageInfo;
  if (hasNextPage) await heroes.fetchMore({ variables: { after: endCursor } });
  return hasNextPage;
};

const CREATE = gql`
  mutation CreateMany($inputs: [CreateHeroInput!]!) {
    createHeroes(inputs: $inputs) {
      id
    }
  }
`;

const store = (...heroes) => {
  const inputs = heroes.map(([name, age]) => ({ name, age, secretName: "x" }));
  return client.mutate({ mutation: CREATE, variables: { inputs } });
};

const watched = async (variables) => {
  const heroes = client.watchQuery({ query: SCROLL, variables: { first: 2, ...variables } });
  const names = ({ data }) => data?.heroesConnection?.edges.map(({ node }) => node.name);
  const shows = (...expected) =>
    firstValueFrom(heroes.pipe(filter((result) => isDeepStrictEqual(names(result), expected))));
  return { heroes, shows };
};

test("pages are fetched until there is none, and each hero is shown once", async () => {
  await store(["B", 30], ["C", 20], ["D", 20], ["E", null], ["F", 20]);
  const { heroes, shows } = await watched({ orderBy: [{ field: "AGE" }] });
  await shows("C", "D");
  await store(["A", 10]);
  taken();
  assert.equal(await more(heroes), true);
  await shows("C", "D", "F", "B");
  assert.equal(await more(heroes), true);
  await shows("C", "D", "F", "B", "E");
  assert.equal(await more(heroes), false);
  assert.equal(taken().length, 2);
});

test("each filter and order has pages of its own", async () => {
  const { heroes, shows } = await watched({ where: { age: { lte: 20 } }, orderBy: [{ field: "NAME" }] });
  await shows("A", "C");
  const backwards = await watched({ orderBy: [{ field: "NAME", direction: "DESC" }] });
  await backwards.shows("F", "E");
  await more(heroes);
  await shows("A", "C", "D", "F");
  await backwards.shows("F", "E");
  assert.equal(await more(heroes), false);
});

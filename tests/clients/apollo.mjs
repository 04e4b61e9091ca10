// Apollo Client against the service at the URL given: node apollo.mjs http://…/graphql
import assert from "node:assert/strict";
import test from "node:test";
import { isDeepStrictEqual } from "node:util";
import { filter, firstValueFrom } from "rxjs";
import { taken } from "./traffic.mjs";

const url = process.argv[2];

import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { offsetLimitPagination } from "@apollo/client/utilities";

const client = new ApolloClient({
  link: new HttpLink({ uri: url }),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { heroes: offsetLimitPagination() } } },
  }),
});

const PAGE = gql`
  query Page($offset: Int!, $limit: Int!) {
    heroes(offset: $offset, limit: $limit) {
      id
      name
    }
  }
`;

const CREATE = gql`
  mutation Create($input: CreateHeroInput!) {
    createHero(input: $input) {
      id
      name
    }
  }
`;

const UPDATE = gql`
  mutation Update($id: ID!, $input: UpdateHeroInput!) {
    updateHero(id: $id, input: $input) {
      id
      name
    }
  }
`;

const DELETE = gql`
  mutation Delete($id: ID!) {
    deleteHero(id: $id) {
      id
    }
  }
`;

const create = (name) =>
  client.mutate({
    mutation: CREATE,
    variables: { input: { name, secretName: "Dive Wilson" } },
    update: (cache, { data }) =>
      cache.modify({
        fields: { heroes: (page, { toReference }) => [...page, toReference(data.createHero)] },
      }),
  });

// What the answer says of a hero goes to the cache by its id, and from there to whoever watches it.
const update = (id, input) => client.mutate({ mutation: UPDATE, variables: { id, input } });

const remove = (id) =>
  client.mutate({
    mutation: DELETE,
    variables: { id },
    update: (cache, { data }) => {
      cache.evict({ id: cache.identify(data.deleteHero) });
      cache.gc();
    },
  });

const codeOf = (error) =>
  CombinedGraphQLErrors.is(error) ? error.errors[0].extensions.code : undefined;

test("pages merge in the cache, which creating and deleting keep up to date", async () => {
  for (const name of ["A", "B", "C"]) await create(name);
  const page = { query: PAGE, variables: { offset: 0, limit: 2 } };
  await client.query(page);
  const heroes = client.watchQuery(page);
  const shows = (...names) =>
    firstValueFrom(
      heroes.pipe(filter(({ data }) => isDeepStrictEqual(data.heroes.map((h) => h.name), names))),
    );

  const { data } = await shows("A", "B");
  await heroes.fetchMore({ variables: { offset: 2, limit: 2 } });
  await shows("A", "B", "C");

  taken();
  await create("D");
  await shows("A", "B", "C", "D");
  await remove(data.heroes[0].id);
  await shows("B", "C", "D");
  assert.equal(taken().length, 2, "only the mutations went over the wire");

  await client.clearStore();
  const stored = await client.query({ query: PAGE, variables: { offset: 0, limit: 9 } });
  assert.deepEqual(stored.data.heroes.map((hero) => hero.name), ["B", "C", "D"]);
});

test("who watches a hero sees its update, without another request", async () => {
  const { data } = await create("Deadpond");
  const { id } = data.createHero;
  const text = gql`query Hero($id: ID!) { hero(id: $id) { id name } }`;
  const hero = client.watchQuery({ query: text, variables: { id } });
  const shows = (name) => firstValueFrom(hero.pipe(filter(({ data }) => data?.hero.name === name)));
  await shows("Deadpond");
  taken();
  await update(id, { name: "Wade" });
  await shows("Wade");
  assert.equal(taken().length, 1, "only the mutation went over the wire");
});

test("an error has its code", async () => {
  taken();
  await assert.rejects(remove("99"), (error) => codeOf(error) === "NOT_FOUND");
  const variables = { offset: 0, limit: 101 };
  const tooFar = { query: PAGE, variables, fetchPolicy: "network-only" };
  await assert.rejects(client.query(tooFar), (error) => codeOf(error) === "BAD_USER_INPUT");
  assert.deepEqual(taken().map((entry) => entry.status), [294, 294]);
});

test("a request that is refused has its code too", async () => {
  taken();
  await assert.rejects(client.query({ query: gql`{ villains { id } }` }), (error) => {
    return codeOf(error) === "GRAPHQL_VALIDATION_FAILED";
  });
  await assert.rejects(client.mutate({ mutation: CREATE, variables: { input: {} } }), (error) => {
    return codeOf(error) === "BAD_USER_INPUT";
  });
  assert.deepEqual(taken().map((entry) => entry.status), [422, 422]);
});

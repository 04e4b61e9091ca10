// Relay's pages by cursor against the service at the URL given: node relay/scroll.mjs http://…/graphql
import assert from "node:assert/strict";
import { register } from "node:module";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Suspense, createElement } from "react";
import { RelayEnvironmentProvider } from "react-relay";
import { act, create } from "react-test-renderer";
import { compiled, environment, execute } from "../relay-network.mjs";
import { taken } from "../traffic.mjs";

register("./literals.mjs", import.meta.url);
const { Heroes } = await import("./heroes.js");

globalThis.IS_REACT_ACT_ENVIRONMENT = true;

const CREATE = compiled(
  "mutation Create($input: CreateHeroInput!) { createHero(input: $input) { id } }",
  "mutation",
);

const store = (name) => execute(CREATE, { input: { name, secretName: "x" } }).toPromise();

const rendered = async (component) => {
  const suspended = createElement(Suspense, { fallback: "…" }, component);
  return act(() => create(createElement(RelayEnvironmentProvider, { environment }, suspended)));
};

const screen = async (props) => {
  const { root } = await rendered(createElement(Heroes, props));
  const named = (element) => element.props.children;
  const find = (type) => root.findAllByType(type);
  const clickable = (name) => [...find("li"), ...find("button")].find((element) => named(element) === name);
  return {
    click: (name) => act(() => clickable(name).props.onClick()),
    canLoadMore: () => find("button").length > 0,
    shows: async (...expected) => {
      const names = () => find("li").map(named);
      for (let left = 1000; left && !isDeepStrictEqual(names(), expected); left--) await act(() => pause(10));
      assert.deepEqual(names(), expected);
    },
  };
};

test("pages are loaded until there is none, and each hero is shown once", async () => {
  for (const name of ["B", "C", "D", "E", "F"]) await store(name);
  const { click, shows, canLoadMore } = await screen({ first: 2, orderBy: [{ field: "NAME" }] });
  await shows("B", "C");
  await store("A");
  taken();
  await click("More");
  await shows("B", "C", "D", "E");
  await click("More");
  await shows("B", "C", "D", "E", "F");
  assert.equal(canLoadMore(), false);
  assert.equal(taken().length, 2);
});

test("an update is shown, without another request", async () => {
  const { click, shows } = await screen({ first: 2, orderBy: [{ field: "NAME", direction: "DESC" }] });
  await shows("F", "E");
  taken();
  await click("E");
  await shows("F", "E!");
  assert.equal(taken().length, 1, "only the mutation went over the wire");
});

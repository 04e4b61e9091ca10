import { parse } from "graphql";

import { follow } from "./stream.js";

/** Where the page is, there is the API: the same address answers both. */
const ENDPOINT = window.location.pathname;

/**
 * GraphiQL looks for the operations' names a moment after the last keystroke. Whoever is quicker
 * than that would send the name of what was there before.
 */
function upToDate({ operationName, ...operation }) {
  try {
    const names = parse(operation.query).definitions.map(({ name }) => name?.value);
    return names.includes(operationName) ? { operationName, ...operation } : operation;
  } catch {
    return operation; // The service says what is wrong with it.
  }
}

function subscribes({ query, operationName }) {
  try {
    const { definitions } = parse(query);
    const chosen = definitions.filter(({ name }) => !operationName || name?.value === operationName);
    return chosen.some(({ operation }) => operation === "subscription");
  } catch {
    return false; // As above.
  }
}

/** Send one operation: gives the GraphQL answer, or the results of a subscription as they come. */
export function fetcher(operation, { headers } = {}) {
  const body = upToDate(operation);
  const post = (more, options) =>
    fetch(ENDPOINT, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...more, ...headers },
      body: JSON.stringify(body),
      ...options,
    });
  return subscribes(body) ? follow(post, answer) : send(post);
}

async function send(post) {
  const accept = "application/graphql-response+json, application/json;q=0.9";
  return answer(await post({ Accept: accept }));
}

/**
 * Return the GraphQL answer of a response, whatever its HTTP status.
 *
 * A refusal is a GraphQL answer too: its coded errors belong in the result pane. Only what is
 * not GraphQL at all, the page of a proxy say, is thrown.
 */
async function answer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP ${response.status} ${response.statusText}, and no JSON:\n${text}`);
  }
}

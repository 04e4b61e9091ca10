import { parse } from "graphql";

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

/**
 * Send one operation and return the GraphQL answer, whatever its HTTP status.
 *
 * A refusal is a GraphQL answer too: its coded errors belong in the result pane. Only what is
 * not GraphQL at all, the page of a proxy say, is thrown.
 */
export async function fetcher(operation, { headers } = {}) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json;q=0.9",
      ...headers,
    },
    body: JSON.stringify(upToDate(operation)),
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP ${response.status} ${response.statusText}, and no JSON:\n${text}`);
  }
}

/**
 * The operation that the page's address carries (`#query=…&variables=…&operationName=…`).
 *
 * It is behind the `#`, where no browser sends it: as `?query=…` it would be a request, and be
 * answered with data.
 */
function indented(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // The editor underlines what is wrong with it.
  }
}

const parameters = new URLSearchParams(window.location.hash.slice(1));

export const link = parameters.has("query") && {
  query: parameters.get("query"),
  variables: indented(parameters.get("variables") ?? ""),
  operationName: parameters.get("operationName"),
};

// Followed while the page is open, a link changes what is behind the `#`, and loads nothing.
window.addEventListener("hashchange", () => window.location.reload());

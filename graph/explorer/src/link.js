/** The operation that the page's address carries (`?query=…&variables=…&operationName=…`). */
function indented(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // The editor underlines what is wrong with it.
  }
}

const parameters = new URLSearchParams(window.location.search);

export const link = parameters.has("query") && {
  query: parameters.get("query"),
  variables: indented(parameters.get("variables") ?? ""),
  operationName: parameters.get("operationName"),
};

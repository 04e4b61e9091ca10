// Relay's network layer, for the service at the URL given.
const url = process.argv[2];

import relay from "relay-runtime";

const { Environment, Network, Observable, RecordSource, Store } = relay;

const fetchGraphQL = (params, variables) =>
  Observable.create((sink) => {
    const controller = new AbortController();
    fetch(url, {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json, application/json;q=0.9",
        "Content-Type": "application/json",
      },
      // With relay-compiler's `persistConfig` there is an id in the place of the text.
      body: JSON.stringify({ id: params.id, query: params.text, variables }),
      signal: controller.signal,
    })
      .then((response) => response.json())
      .then((payload) => {
        sink.next(payload);
        sink.complete();
      })
      .catch((error) => controller.signal.aborted || sink.error(error));
    return () => controller.abort();
  });

export const environment = new Environment({
  network: Network.create(fetchGraphQL),
  store: new Store(new RecordSource()),
});

// What relay-compiler makes of a graphql`…` literal, as far as the network layer sees it.
export const compiled = (text, operationKind = "query", id = null) => ({
  params: { id, text, name: "Operation", operationKind, metadata: {}, cacheID: text ?? id },
});

export const execute = (operation, variables) =>
  environment.getNetwork().execute(operation.params, variables, { force: true });

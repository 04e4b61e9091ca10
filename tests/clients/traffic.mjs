// What went over the wire, for the checks of the clients' scripts.

const traffic = [];

const original = globalThis.fetch;

globalThis.fetch = (address, options = {}) => {
  const entry = {
    method: options.method ?? "GET",
    query: new URL(address).searchParams,
    body: options.body && JSON.parse(options.body),
  };
  traffic.push(entry);
  entry.response = original(address, options).then(async (response) => {
    entry.status = response.status;
    entry.answer = await response.clone().json();
    return response;
  });
  return entry.response;
};

// The requests since the last call.
export const taken = () => traffic.splice(0);

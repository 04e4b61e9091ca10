/** Yield the server-sent events of a response, each as an object of its fields. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = block.split("\n").map((line) => /^([^:]*):? ?(.*)$/.exec(line).slice(1));
      yield Object.fromEntries(fields);
    }
  }
}

/** Yield the results of a subscription; go on after the last one when the service was restarted. */
async function* results(post, answer, signal) {
  let last; // The id of the last event.
  let wait = 1_000; // Milliseconds before it connects again.
  for (let isOpen = false; ; ) {
    try {
      const resume = last === undefined ? {} : { "Last-Event-ID": last };
      const response = await post({ Accept: "text/event-stream", ...resume }, { signal });
      if (!isOpen || response.status < 500) {
        if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
          yield await answer(response);
          return;
        }
        isOpen = true;
        for await (const { event, data, id, retry } of events(response)) {
          if (id !== undefined) last = id;
          if (retry !== undefined) wait = Number(retry);
          if (event === "next") yield JSON.parse(data);
          if (event === "complete") return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // The connection is lost, or the service does not listen yet.
      if (!isOpen || !(error instanceof TypeError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (signal.aborted) return;
  }
}

/**
 * Follow a subscription.
 *
 * A generator that waits cannot be ended from outside: the request is aborted.
 *
 * @param post Sends the operation with these headers and options.
 * @param answer Reads a response that is not a stream.
 */
export function follow(post, answer) {
  const aborter = new AbortController();
  const generator = results(post, answer, aborter.signal);
  return {
    next: () => generator.next(),
    return: (value) => {
      aborter.abort();
      return generator.return(value);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

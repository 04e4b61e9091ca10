/**
 * The background thread of all three of Monaco's language services, which one file serves:
 * most of their code is the same. The thread's name says which of them it is to be.
 */
import { initialize } from "monaco-editor/esm/vs/editor/editor.worker.js";
// Takes `onmessage` for itself: the thread is the JSON one unless something else is said below.
import "monaco-editor/esm/vs/language/json/json.worker.js";
import { GraphQLWorker } from "monaco-graphql/esm/GraphQLWorker.js";

if (self.name === "graphql") {
  self.onmessage = () => initialize((context, data) => new GraphQLWorker(context, data));
} else if (self.name !== "json") {
  self.onmessage = () => initialize(null);
}

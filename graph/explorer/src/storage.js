import { name } from "./page.js";

/**
 * The browser's storage, with names of our own: one origin, localhost above all, sees many
 * GraphiQL pages, and the tabs of another would be no use here.
 */
const PREFIX = `${name}${window.location.pathname}:`;
const ours = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

/** The history writes headers down, and with them a token, whatever the settings say. */
const HISTORY = new Set(["graphiql:queries", "graphiql:favorites"]);
const withoutHeaders = (name, value) => (name === "headers" ? undefined : value);

export const storage = {
  getItem: (key) => localStorage.getItem(PREFIX + key),
  setItem(key, value) {
    const secret = HISTORY.has(key) && !keepsHeaders();
    const kept = secret ? JSON.stringify(JSON.parse(value, withoutHeaders)) : value;
    localStorage.setItem(PREFIX + key, kept);
  },
  removeItem: (key) => localStorage.removeItem(PREFIX + key),
  clear: () => ours().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ours().length;
  },
};

/** Whether the headers are to outlive the page; only if their owner asked for it. */
export const keepsHeaders = () => storage.getItem("graphiql:shouldPersistHeaders") === "true";

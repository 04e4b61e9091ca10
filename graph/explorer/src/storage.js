/**
 * The browser's storage, with names of our own: one origin, localhost above all, sees many
 * GraphiQL pages, and the tabs of another would be no use here.
 */
const PREFIX = `hero-graph${window.location.pathname}:`;
const ours = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

export const storage = {
  getItem: (key) => localStorage.getItem(PREFIX + key),
  setItem: (key, value) => localStorage.setItem(PREFIX + key, value),
  removeItem: (key) => localStorage.removeItem(PREFIX + key),
  clear: () => ours().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ours().length;
  },
};

/**
 * A Prettier plugin that formats JSON with comments.
 *
 * GraphiQL formats its variables and headers with Prettier's own, which would bring Babel and
 * the printer of all of JavaScript into the bundle. `vite.config.js` puts this in their place.
 */
import { applyEdits, format } from "jsonc-parser";

const formatting = { insertSpaces: true, tabSize: 2 };

export const parsers = {
  jsonc: {
    parse: (text) => ({ text }),
    astFormat: "jsonc",
    locStart: () => 0,
    locEnd: ({ text }) => text.length,
  },
};

export const printers = {
  jsonc: {
    print: ({ node: { text } }) => applyEdits(text, format(text, undefined, formatting)),
  },
};

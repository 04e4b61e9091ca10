import { defineConfig } from "vite";
import { compress, licenses } from "./vite.plugins.js";

const source = (name) => new URL(`./src/${name}`, import.meta.url).pathname;
const { collect, write } = licenses();

/** GraphiQL formats on its own: the formatter of the language service is never asked. */
const noFormatter = {
  name: "no-formatter",
  enforce: "pre",
  resolveId: (id) => (id.startsWith("prettier/") ? source("nothing.js") : undefined),
};

export default defineConfig({
  // Everything is looked up from where it was itself loaded: the service may be mounted anywhere.
  base: "./",
  // The page is the exception. Its address has no trailing slash, so the service fills this in.
  experimental: {
    renderBuiltUrl: (name, { hostType }) =>
      hostType === "html" ? `$assets/${name}` : { relative: true },
  },
  resolve: {
    alias: {
      "./dompurify/dompurify.js": source("dompurify.js"),
      "../../dompurify/dompurify.js": source("dompurify.js"),
      "monaco-editor/esm/vs/editor/edcore.main.js": source("monaco.js"),
      "prettier/parser-babel": source("jsonc.js"),
      "prettier/parser-graphql": "prettier/plugins/graphql",
      "prettier/plugins/estree": source("jsonc.js"),
    },
  },
  plugins: [collect, write, compress()],
  worker: { plugins: () => [noFormatter, collect] },
  build: {
    target: "es2022",
    assetsDir: "",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: Infinity, // Monaco is one large chunk.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // "use client" is for servers that render, and there is none.
      output: {
        // Apart from our own code, so that a change in that leaves the large files as they are.
        codeSplitting: {
          groups: [
            { name: "formatter", test: /node_modules\/prettier\//, priority: 1 },
            { name: "libraries", test: /node_modules\// },
          ],
        },
      },
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning),
    },
  },
});

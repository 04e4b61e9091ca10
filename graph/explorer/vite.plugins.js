import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import pako from "pako";

/** Packages without a licence file of their own, and the one of the same authors that has it. */
const SAME_LICENSE = {
  "@graphiql/plugin-doc-explorer": "graphiql",
  "@graphiql/plugin-explorer": "graphiql",
  "@graphiql/plugin-history": "graphiql",
  "react-compiler-runtime": "react",
  "react-remove-scroll-bar": "react-remove-scroll",
};

/** What Monaco carries inside and its own notices leave out: the icon font. */
const INSIDE_MONACO = ["@vscode/codicons"];

const MODULES = new URL("./node_modules/", import.meta.url).pathname;
const LEGAL = /^(licen[cs]e|notice|third-?party-?notices)/i;

/** The folder of the package a module is part of, from `node_modules` down. */
function packageOf(id) {
  const path = id.replace(/^\0/, "").split("?")[0];
  if (!path.startsWith(MODULES)) return undefined;
  return /^(.*\/node_modules\/)?(@[^/]+\/)?[^/]+/.exec(path.slice(MODULES.length))[0];
}

function legalTexts(folder) {
  const files = readdirSync(join(MODULES, folder)).filter((name) => LEGAL.test(name));
  return files.sort().map((name) => readFileSync(join(MODULES, folder, name), "utf8").trim());
}

function entry(folder) {
  const { name, version, license } = JSON.parse(
    readFileSync(join(MODULES, folder, "package.json"), "utf8"),
  );
  const own = legalTexts(folder);
  const texts = own.length || !(name in SAME_LICENSE) ? own : legalTexts(SAME_LICENSE[name]);
  if (!texts.length) throw new Error(`${name} is bundled, but brings no licence text`);
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
}

/**
 * Two plugins: `collect` notes whose code is bundled, in the page as in its worker, which is a
 * build of its own; `write` puts all of their licences into one file.
 */
export function licenses() {
  const folders = new Set(INSIDE_MONACO);
  const collect = {
    name: "collect-licenses",
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        const ids = chunk.type === "chunk" ? chunk.moduleIds : chunk.originalFileNames;
        ids.map(packageOf).forEach((folder) => folder && folders.add(folder));
      }
    },
  };
  const write = {
    name: "write-licenses",
    generateBundle: {
      order: "post",
      handler() {
        const intro = "The explorer is made of the following, under these licences.";
        const source = [intro, ...[...folders].sort().map(entry)].join(`\n\n${"=".repeat(80)}\n\n`);
        this.emitFile({ type: "asset", fileName: "licenses.txt", source: `${source}\n` });
      },
    },
  };
  return { collect, write };
}

/**
 * Keep the gzip form of every file but those that people open, and nothing else: it is what all
 * browsers take, secure connection or not. Not node:zlib: its bytes depend on the processor.
 */
export function compress() {
  return {
    name: "compress",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [name, { code, source }] of Object.entries(bundle)) {
          if (/\.(html|txt)$/.test(name)) continue;
          delete bundle[name];
          const packed = pako.gzip(code ?? source, { level: 9 });
          this.emitFile({ type: "asset", fileName: `${name}.gz`, source: packed });
        }
      },
    },
  };
}

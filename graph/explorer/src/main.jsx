import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import { useEffect } from "react";
import { createRoot } from "react-dom/client";

import { examples } from "./examples.js";
import { fetcher } from "./fetcher.js";
import { link } from "./link.js";
import { Notice } from "./notice.jsx";
import { storage } from "./storage.js";
import LanguageWorker from "./worker.js?worker";

// Not `graphiql/style.css`: that embeds two fonts, half a megabyte of them.
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";

self.MonacoEnvironment = { getWorker: (_id, label) => new LanguageWorker({ name: label }) };

const queryBuilder = {
  ...explorerPlugin({ showAttribution: false }),
  title: "Query Builder",
};
const plugins = [HISTORY_PLUGIN, queryBuilder];

const firstVisit = storage.getItem("graphiql:tabState") === null;
const start = link || (firstVisit ? examples[0] : {});

/** What GraphiQL has no property for. */
function Finish() {
  const { queryEditor, theme } = useGraphiQL(pick("queryEditor", "theme"));
  const { setOperationName, setTheme } = useGraphiQLActions();

  useEffect(() => {
    if (queryEditor && link?.operationName) setOperationName(link.operationName);
  }, [queryEditor, setOperationName]);

  useEffect(() => {
    if (theme) return undefined;
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setTheme(null);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, [theme, setTheme]);

  return null;
}

createRoot(document.getElementById("explorer")).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    defaultTabs={link ? [link, ...examples] : examples}
    initialQuery={start.query}
    initialVariables={start.variables}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
    // A token stays in memory, unless its owner asks in the settings for it to be kept.
    shouldPersistHeaders={storage.getItem("graphiql:shouldPersistHeaders") === "true"}
    showPersistHeadersSettings
  >
    <GraphiQL.Logo>
      Heroes <a href={document.querySelector("link[rel=license]").href}>licences</a>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <Notice />
    </GraphiQL.Footer>
    <Finish />
  </GraphiQL>,
);

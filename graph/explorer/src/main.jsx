import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import { useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";

import { fetcher } from "./fetcher.js";
import { link } from "./link.js";
import { Notice } from "./notice.jsx";
import { examples, root, title } from "./page.js";
import { keepsHeaders, storage } from "./storage.js";
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

/** The tab that was left open. */
function lastTab() {
  try {
    const { tabs, activeTabIndex } = JSON.parse(storage.getItem("graphiql:tabState"));
    return tabs[activeTabIndex];
  } catch {
    return undefined; // There is none.
  }
}

const start = link || lastTab() || examples[0];

/** What GraphiQL has no property for. */
function Finish() {
  const { operations, queryEditor, theme } = useGraphiQL(pick("operations", "queryEditor", "theme"));
  const { setTheme } = useGraphiQLActions();

  // Ctrl-Enter runs the operation that the cursor is in: the one that the link names.
  const named = useRef(link?.operationName);
  useEffect(() => {
    const chosen = operations?.find(({ name }) => name && name.value === named.current);
    if (!chosen) return;
    named.current = null;
    queryEditor.setPosition(queryEditor.getModel().getPositionAt(chosen.loc.start));
  }, [operations, queryEditor]);

  useEffect(() => {
    if (theme) return undefined;
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setTheme(null);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, [theme, setTheme]);

  return null;
}

createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    defaultTabs={link ? [link, ...examples] : examples}
    // GraphiQL itself puts the parts of the open tab together from what was last edited.
    initialQuery={start.query ?? ""}
    initialVariables={start.variables ?? ""}
    initialHeaders={link ? undefined : (start.headers ?? "")}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
    shouldPersistHeaders={keepsHeaders()}
    showPersistHeadersSettings
  >
    <GraphiQL.Logo>
      {title} <a href={document.querySelector("link[rel=license]").href}>licences</a>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <Notice />
    </GraphiQL.Footer>
    <Finish />
  </GraphiQL>,
);

import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef } from "react";

const TEMPLATE = '{\n  "Authorization": "Bearer "\n}';
const TYPING_PAUSE = 400; // milliseconds

/** Whether these headers, as typed so far, are worth a request. */
function complete(headers) {
  try {
    return Object.values(JSON.parse(headers)).some((value) => !/^(Bearer)?\s*$/i.test(value));
  } catch {
    return false;
  }
}

/** The first of the errors that kept the schema from being read. */
function firstError(fetchError) {
  try {
    return JSON.parse(fetchError).errors[0];
  } catch {
    return { message: fetchError };
  }
}

/**
 * Ask for the schema again whenever the headers have changed while it could not be read, and
 * return the headers that were tried last.
 */
function useRetry(fetchError, headerEditor) {
  const { introspect } = useGraphiQLActions();
  const tried = useRef("");
  useEffect(() => {
    if (!fetchError || !headerEditor) return undefined;
    const retry = () => {
      const headers = headerEditor.getValue();
      if (headers === tried.current || !complete(headers)) return;
      tried.current = headers;
      introspect();
    };
    let timer = setTimeout(retry);
    const typing = headerEditor.onDidChangeModelContent(() => {
      clearTimeout(timer);
      timer = setTimeout(retry, TYPING_PAUSE);
    });
    return () => {
      clearTimeout(timer);
      typing.dispose();
    };
  }, [fetchError, headerEditor, introspect]);
  return tried;
}

/** Says, below the result, why the schema cannot be read and what to do about it. */
export function Notice() {
  const { fetchError, headerEditor, activeTabIndex } = useGraphiQL(
    pick("fetchError", "headerEditor", "activeTabIndex"),
  );
  const { introspect } = useGraphiQLActions();
  const tried = useRetry(fetchError, headerEditor);

  // Each tab has headers of its own: what one of them had to be told holds for all.
  useEffect(() => {
    if (!fetchError && tried.current && !headerEditor?.getValue().trim()) {
      headerEditor?.setValue(tried.current);
    }
  }, [activeTabIndex, fetchError, headerEditor, tried]);

  if (!fetchError) return null;
  const { message, extensions } = firstError(fetchError);
  if (extensions?.code !== "UNAUTHENTICATED") {
    return (
      <div className="notice" role="alert">
        The schema could not be read: {message} <button onClick={introspect}>Try again</button>
      </div>
    );
  }

  function enterToken() {
    document.querySelector('.graphiql-editor-tools [data-name="headers"]').click();
    if (!headerEditor.getValue().trim()) headerEditor.setValue(TEMPLATE);
    headerEditor.setPosition({ lineNumber: 2, column: TEMPLATE.split("\n")[1].length });
    setTimeout(() => headerEditor.focus()); // Once the editor is there to be seen.
  }
  return (
    <div className="notice" role="alert">
      This service wants a token: <code>{'{"Authorization": "Bearer …"}'}</code> among the
      headers. The schema is read as soon as it is there.{" "}
      <button onClick={enterToken}>Enter the token</button>
    </div>
  );
}

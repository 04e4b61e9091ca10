/** What the service wrote into its page. */
export const root = document.getElementById("explorer");

/** Name of the command, and title of the schema. */
export const { name, title } = root.dataset;

/** The operations that a first visit shows, of graph/explorer/examples.py. */
export const examples = JSON.parse(root.dataset.examples);

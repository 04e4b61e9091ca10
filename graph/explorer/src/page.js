/** What the service wrote into its page. */
export const root = document.getElementById("explorer");

/** The product's name and title, of graph/product.py. */
export const { name, title } = root.dataset;

/** The operations that a first visit shows, of graph/explorer/examples.py. */
export const examples = JSON.parse(root.dataset.examples);

/** Stands in for what is never loaded. */

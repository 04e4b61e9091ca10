"""The hero table and its API: all that another table changes."""

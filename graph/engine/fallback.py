"""The signal to leave a value to graphql-core."""


class Fallback(Exception):  # noqa: N818 (not an error: graphql-core takes over)
    """The fast path does not handle this; graphql-core does."""

"""The signal to leave a value to graphql-core."""


class Fallback(Exception):  # noqa: N818 (not an error: graphql-core takes over)
    """The fast path does not support this value or field; graphql-core must handle it."""

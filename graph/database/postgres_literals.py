"""SQL with its values as literals, for messages to PostgreSQL that have several statements."""

import re
from collections.abc import Sequence

PLACEHOLDER = re.compile(r"\$([1-9][0-9]*)")


def with_literals(sql: str, values: Sequence[object]) -> str:
    """A statement with literals for its placeholders `$1`, `$2` and so on.

    Args:
        sql: the statement, which has no `$` but those of its placeholders.
        values: integers, texts without NUL, bytes and None.
    """
    return PLACEHOLDER.sub(lambda found: _literal(values[int(found[1]) - 1]), sql)


def _literal(value: object) -> str:
    """A value as a literal, whatever the server's `standard_conforming_strings` is.

    https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE
    """
    match value:
        case None:
            return "NULL"
        case int():
            return str(int(value))
        case bytes():
            return rf"E'\\x{value.hex()}'"
        case str():
            escaped = value.replace("\\", r"\\").replace("'", "''")
            return f"E'{escaped}'"
    raise TypeError(f"no literal for {type(value)}")

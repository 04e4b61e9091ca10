"""SQL with values as literals, for messages of several statements."""

import re
from collections.abc import Sequence

from graph.product import PREFIX

PLACEHOLDER = re.compile(r"\$([1-9][0-9]*)")


def with_literals(sql: str, values: Sequence[object]) -> str:
    """Return a statement with literals for its placeholders `$1`, `$2` and so on.

    Args:
        sql: the statement; each `$` in it must begin a placeholder.
        values: integers, texts without NUL, bytes and None.
    """
    return PLACEHOLDER.sub(lambda found: _literal(values[int(found[1]) - 1]), sql)


class Messages:
    """Writes statements for messages of several statements, on one connection.

    A statement is prepared when it is first written; later messages then take two fifths less of
    the server's time. Do not use it for a statement with more than one useful plan: the server may
    keep the plan that was best for an empty table.

    Args:
        prepares: whether the server keeps prepared statements; behind a pooler it does not.
    """

    def __init__(self, *, prepares: bool) -> None:
        self._prepares = prepares
        self._names: dict[str, str] = {}

    def statement(self, sql: str, values: Sequence[object]) -> str:
        """Return the statement with these values; if it fails, the connection must be closed."""
        if not self._prepares:
            return with_literals(sql, values)
        execute = f"({', '.join(map(_literal, values))})"
        if (name := self._names.get(sql)) is not None:
            return f"EXECUTE {name}{execute}"
        name = self._names[sql] = f"{PREFIX}_{len(self._names)}"
        return f"PREPARE {name} AS {sql}; EXECUTE {name}{execute}"


def _literal(value: object) -> str:
    """Return a value as a literal, valid for any `standard_conforming_strings` of the server.

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

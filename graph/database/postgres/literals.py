"""SQL with values as literals, for messages of several statements."""

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


class Messages:
    """Writes the statements of messages to one session of the server.

    A statement is prepared when it is first written, which saves the server two fifths of its time
    in later messages. One that chooses between plans must not be: the server may keep the plan that
    was good for an empty table.

    Args:
        prepares: whether the session is the connection's own: behind a pooler it is not.
    """

    def __init__(self, *, prepares: bool) -> None:
        self._prepares = prepares
        self._names: dict[str, str] = {}

    def statement(self, sql: str, values: Sequence[object]) -> str:
        """The statement with these values. A session that fails to run it must be closed."""
        if not self._prepares:
            return with_literals(sql, values)
        execute = f"({', '.join(map(_literal, values))})"
        if (name := self._names.get(sql)) is not None:
            return f"EXECUTE {name}{execute}"
        name = self._names[sql] = f"hero_graph_{len(self._names)}"
        return f"PREPARE {name} AS {sql}; EXECUTE {name}{execute}"


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

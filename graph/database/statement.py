"""Statements in the short way: compiled once, and run on the driver's own connection."""

from collections import namedtuple
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, Select, UpdateBase


def _record(columns: Sequence[str]) -> Any:
    """A class of named tuples, whose fields are known only now."""
    return namedtuple("Record", columns)  # noqa: PYI024


class Statement:
    """A Core statement that returns rows, compiled once for each dialect.

    SQLAlchemy writes the SQL; `Session.fetch` runs it on the driver's own connection, without a
    `Result` and a `Row` for each answer, which takes a tenth of the time of `Session.exec`.

    Args:
        clause: a `select`, or an `insert` or `delete` with `returning`.
        values: the columns that an `insert` fills, which are then its parameters.
    """

    def __init__(
        self, clause: Select[*tuple[Any, ...]] | UpdateBase, values: Sequence[str] = ()
    ) -> None:
        self.clause = clause
        self.values = values
        self._exported = list(clause.exported_columns)
        self.columns = tuple(str(column.key) for column in self._exported)
        self.record = _record(self.columns)
        self.compiled = cache(self._compiled)

    def _compiled(self, dialect: Dialect) -> tuple[str, Sequence[str]] | None:
        """The SQL and the names of its parameters in order.

        None when a parameter or a column needs SQLAlchemy to convert it for this driver.
        """
        compiled = self.clause.compile(dialect=dialect, column_keys=self.values or None)
        parameters = [bind.type.dialect_impl(dialect) for bind in compiled.binds.values()]
        results = [column.type.dialect_impl(dialect) for column in self._exported]
        if any(type_.bind_processor(dialect) for type_ in parameters) or any(
            type_.result_processor(dialect, None) for type_ in results
        ):
            return None
        return str(compiled), compiled.positiontup or ()


class Rows(Sequence[Any]):
    """The rows that a statement returned, in its order.

    An item is a named tuple: its values are attributes, as those of a model are.
    `tuples` has the same values as the driver gave them, in the order of `columns`.
    """

    def __init__(self, statement: Statement, tuples: Sequence[Sequence[Any]]) -> None:
        self.columns = statement.columns
        self.tuples = tuples
        self._record = statement.record

    def __len__(self) -> int:
        return len(self.tuples)

    def __getitem__(self, index: Any) -> Any:
        return self._record(*self.tuples[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._record._make, self.tuples)

    def first(self) -> Any | None:
        """The first row, or None when there is none."""
        return self[0] if self.tuples else None

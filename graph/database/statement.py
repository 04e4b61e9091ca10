"""Statements in the short way: compiled once, and run on the driver's own connection."""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Dialect, Select, UpdateBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

from graph.errors import BadUserInputError

Convert: TypeAlias = Callable[[Any], Any]


def _record(columns: Sequence[str]) -> Any:
    """A class of named tuples, whose fields are known only now."""
    return namedtuple("Record", columns)  # noqa: PYI024


class Statement:
    """A Core statement that returns rows, compiled once for each dialect.

    SQLAlchemy writes the SQL and gives the conversions of its types. `Session.fetch` runs it on the
    driver's own connection, without a `Result` and a `Row` for each answer, which takes a tenth of
    the time of `Session.orm`.

    Args:
        clause: a `select`, or an `insert`, `update` or `delete` with `returning`. The values in it
            are those of parameters that need not be given.
        values: the columns that an `insert` fills, which are then its parameters.
        scans: whether it reads many rows whenever it is run. SQLite then runs it on another thread
            at once. Other reads go there by themselves when they take long, but two things only
            this tells: `count(*)` of a whole table is one step to SQLite, and what writes cannot be
            begun anew.
        sort_by_last: sort the rows by the last column, and leave it out of them. No database
            promises an order of the rows that `returning` gives.
    """

    def __init__(
        self,
        clause: Select[*tuple[Any, ...]] | UpdateBase,
        values: Sequence[str] = (),
        *,
        scans: bool = False,
        sort_by_last: bool = False,
    ) -> None:
        self.clause = clause
        self.values = values
        self.scans = scans
        self.sort_by_last = sort_by_last
        self.writes = isinstance(clause, UpdateBase)
        self.exported = list(clause.exported_columns)
        names = tuple(str(column.key) for column in self.exported)
        self.columns = names[:-1] if sort_by_last else names
        self.record = _record(self.columns)
        self.compiled: Callable[[Dialect], Compiled] = cache(lambda it: Compiled(self, it))


class Rows(Sequence[Any]):
    """The rows that a statement returned, in its order.

    An item is a named tuple: its values are attributes, as those of a model are. A value that is
    not one of its column's type is the exception that says so, which graphql-core makes an error
    of the field that returns it.

    `tuples` has the same values, in the order of `columns`.
    """

    def __init__(self, statement: Statement, tuples: Sequence[Sequence[Any]]) -> None:
        self.columns = statement.columns
        self.tuples = tuples
        self._statement = statement
        self._record = statement.record

    def __len__(self) -> int:
        return len(self.tuples)

    def __getitem__(self, index: Any) -> Any:
        return self._record(*self.tuples[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._record._make, self.tuples)

    def holding(self, tuples: Sequence[Sequence[Any]]) -> "Rows":
        """Rows of the same columns, with these values."""
        return Rows(self._statement, tuples)

    def first(self) -> Any | None:
        """The first row, or None when there is none."""
        return self[0] if self.tuples else None


class Compiled:
    """A statement in the SQL of one dialect, with the conversions of its parameters and rows."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled = statement.clause.compile(dialect=dialect, column_keys=statement.values or None)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 (for the type checker)
        self._statement = statement
        self._compiled = compiled
        self._sql = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        # An IN of however many values is written out when they are known.
        self._expands = bool(compiled.post_compile_params | compiled.literal_execute_params)
        self._own_values = _own_values(compiled)
        self._to_driver = _conversions(
            {
                name: bind.type.dialect_impl(dialect).bind_processor(dialect)
                for name, bind in compiled.binds.items()
            }
        )
        self._from_driver = _conversions(
            {
                index: column.type.dialect_impl(dialect).result_processor(dialect, None)
                for index, column in enumerate(statement.exported)
            }
        )

    @property
    def converts(self) -> bool:
        """Whether values of its rows are not the ones that the driver returned."""
        return bool(self._from_driver)

    def bound(self, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """The SQL, and the values of its parameters in order, as the driver takes them.

        Raises:
            BadUserInputError: a value has no place in the type of its column.
            KeyError: there is no value for a parameter.
        """
        if self._own_values:
            own = {name: give() for name, give in self._own_values.items()}
            parameters = {**own, **parameters}
        sql, names, conversions = self._sql, self._names, self._to_driver
        if self._expands:
            state = self._compiled.construct_expanded_state(parameters, escape_names=False)
            sql, names, parameters = state.statement, state.positiontup or (), state.parameters
            conversions = {**conversions, **_conversions(state.processors)}
        if not conversions:
            return sql, [parameters[name] for name in names]
        return sql, [_to_driver(conversions.get(name), name, parameters[name]) for name in names]

    def rows(self, tuples: Sequence[Sequence[Any]]) -> Rows:
        """The rows that the driver returned, with values as SQLAlchemy gives them."""
        if self._from_driver and tuples:
            columns: list[Sequence[Any]] = list(zip(*tuples, strict=True))
            for index, convert in self._from_driver.items():
                columns[index] = _from_driver(convert, columns[index])
            tuples = list(zip(*columns, strict=True))
        if self._statement.sort_by_last:
            tuples = [row[:-1] for row in sorted(tuples, key=itemgetter(-1))]
        return Rows(self._statement, tuples)


def _conversions(processors: Mapping[Any, Convert | None]) -> dict[Any, Convert]:
    """Those that convert anything."""
    return {key: convert for key, convert in processors.items() if convert is not None}


def _own_values(compiled: SQLCompiler) -> dict[str, Callable[[], object]]:
    """By parameter, what gives the values that the statement has without being given them.

    They are the literals in it, and the defaults of columns that it does not name.
    """
    values: dict[str, Callable[[], object]] = {
        name: partial(getattr, bind, "effective_value")
        for name, bind in compiled.binds.items()
        if not bind.required
    }
    defaults = [(column.key, column.default) for column in compiled.insert_prefetch]
    defaults += [(column.key, column.onupdate) for column in compiled.update_prefetch]
    for name, default in defaults:
        if isinstance(default, ScalarElementColumnDefault):
            values[name] = partial(getattr, default, "arg")
        elif isinstance(default, CallableColumnDefault):
            values[name] = partial(default.arg, None)  # type: ignore[arg-type] # (no context)
        else:
            raise TypeError(f"the default of {name} takes a statement of its own")
    return values


def _to_driver(convert: Convert | None, name: str, value: Any) -> Any:
    """The value of a parameter, as the driver takes it."""
    if convert is None:
        return value
    try:
        return convert(value)
    except OverflowError:
        raise BadUserInputError(f"{name} is out of range") from None


def _from_driver(convert: Convert, values: Sequence[Any]) -> list[Any]:
    """The values of a column, as SQLAlchemy gives them, and exceptions for those it cannot."""
    try:
        return [convert(value) for value in values]
    except Exception:  # noqa: BLE001 (whatever a conversion makes of what others have stored)
        return [_converted(convert, value) for value in values]


def _converted(convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except Exception as error:  # noqa: BLE001 (as above)
        return error

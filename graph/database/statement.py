"""Statements that are compiled once, and run directly on the driver's connection."""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Dialect, Insert, Select, Update, UpdateBase, Uuid
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from graph.errors import BadUserInputError, Constraint, ConstraintError

STATEMENTS = 50
"""Maximum number of cached statements of a kind; clients may use more."""

Convert: TypeAlias = Callable[[Any], Any]

CACHED_RECORDS = 100
"""Maximum number of cached classes of records; a class is a cycle, and takes some 30 objects."""


UUID_DIGITS = 32
"""Hexadecimal digits of a UUID."""

NO_DIGITS: Mapping[int, Convert] = {}


@lru_cache(CACHED_RECORDS)
def record(columns: Sequence[str]) -> Any:
    """Return a named tuple class with these fields."""
    return namedtuple("Record", columns)  # noqa: PYI024


class Statement:
    """A Core statement that returns rows, compiled once for each dialect.

    SQLAlchemy compiles the SQL and provides the conversions of its types. `Session.fetch` runs the
    statement on the driver's connection, without SQLAlchemy's `Result` and `Row`: that takes a
    tenth of the time of `Session.orm`.

    Args:
        clause: a `select`, or an `insert`, `update` or `delete` with `returning`. Values in it are
            defaults of bind parameters.
        values: the columns that an `insert` fills, which become bind parameters.
        scans: whether it always reads many rows. SQLite then runs it in another thread at once.
            Other reads move there when they prove to be slow; but SQLite counts a whole table in
            one step, and a write cannot be restarted.
        may_scan: whether it may read many rows to find those it returns. It then waits for its
            turn among slow statements: on SQLite only when it proves to be slow.
        sort_by: sort the rows by this many of the last columns, and leave these out of them. No
            database promises an order of the rows that `returning` gives.
    """

    def __init__(
        self,
        clause: Select[*tuple[Any, ...]] | UpdateBase,
        values: Sequence[str] = (),
        *,
        scans: bool = False,
        may_scan: bool = False,
        sort_by: int = 0,
    ) -> None:
        if isinstance(clause, Insert | Update):
            # A constraint may say ON CONFLICT REPLACE, by which SQLite deletes other rows.
            clause = clause.prefix_with("OR ABORT", dialect="sqlite")
        self.clause = clause
        self.values = values
        self.scans = scans
        self.may_scan = scans or may_scan
        self.sort_by = sort_by
        self.writes = isinstance(clause, UpdateBase)
        self.exported = list(clause.exported_columns)
        names = tuple(str(column.key) for column in self.exported)
        self.columns = names[: len(names) - sort_by]
        self.record = record(self.columns)
        self._compiled: dict[Dialect, Compiled] = {}

    def compiled(self, dialect: Dialect) -> "Compiled":
        """Return the statement compiled for a dialect, from its cache if possible."""
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = Compiled(self, dialect)
        return compiled


Reads: TypeAlias = Sequence[tuple[Statement, Mapping[str, object]]]


class Rows(Sequence[Any]):
    """The rows that a statement returned, in order.

    Items are named tuples, with values as attributes, like a model's. `tuples` has the same values
    in the order of `columns`. A value that its column's type cannot convert is replaced by the
    exception, which graphql-core reports as the error of the field.

    Args:
        statement: the statement.
        tuples: the values.
        digits: the columns whose UUIDs are still in hexadecimal digits, as SQLite stores them.
    """

    _written: Sequence[Sequence[Any]] | None = None

    reads: Reads = ()
    """The statements and parameters of a page, by which it can be read again with more columns."""

    def __init__(
        self,
        statement: Statement,
        tuples: Sequence[Sequence[Any]],
        digits: Mapping[int, Convert] = NO_DIGITS,
    ) -> None:
        self.columns = statement.columns
        self._tuples = tuples
        self._digits = digits
        self._statement = statement

    @property
    def tuples(self) -> Sequence[Sequence[Any]]:
        """The values of each row, in the order of `columns`."""
        if self._digits:
            self._tuples = _converted_columns(self._digits, self._tuples)
            self._digits = NO_DIGITS
        return self._tuples

    @property
    def written(self) -> Sequence[Sequence[Any]]:
        """The same, with UUIDs as texts where these take less time."""
        if not self._digits:
            return self._tuples
        if self._written is None:
            self._written = _converted_columns(self._digits, self._tuples, _written)
        return self._written

    def keys(self, columns: Sequence[str]) -> list[Any]:
        """Return the values of these columns for each row: tuples if there are several.

        None stands for a key with a null. UUIDs are in hexadecimal digits if Python's class made
        them, or would make them: it takes longer than the database takes to find them.
        """
        values = [self._key_values(self.columns.index(name)) for name in columns]
        if len(values) == 1:
            return values[0]
        return [None if None in key else key for key in zip(*values, strict=True)]

    def _key_values(self, index: int) -> list[Any]:
        values: list[Any] = [row[index] for row in self._tuples]
        if index in self._digits:
            if _are_digits([value for value in values if value is not None]):
                return values
            values = _from_driver(self._digits[index], values)
        return [digits_of(value) for value in values]

    def __len__(self) -> int:
        return len(self._tuples)

    def __getitem__(self, index: Any) -> Any:
        return self._statement.record(*self.tuples[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._statement.record._make, self.tuples)

    def holding(self, tuples: Sequence[Sequence[Any]]) -> "Rows":
        """Return rows with the same columns and these values."""
        return Rows(self._statement, tuples)

    def plus(self, others: "Rows") -> "Rows":
        """Return these rows and others of a like statement, none of which was read before."""
        both = [*self._tuples, *others._tuples]  # noqa: SLF001 (of the same class)
        return Rows(self._statement, both, self._digits)

    def part(self, which: slice) -> "Rows":
        """Return some of the rows."""
        return Rows(self._statement, self._tuples[which], self._digits)

    def first(self) -> Any | None:
        """Return the first row; None if there is none."""
        return self._statement.record(*self.tuples[0]) if self._tuples else None


def exactly(count: int, rows: Rows) -> Rows:
    """The rows of a write, of which there must be this many.

    Raises:
        ConstraintError: there are fewer, as a trigger of the database left some out.
    """
    if len(rows) < count:
        raise ConstraintError(Constraint.CHECK)
    return rows


class Compiled:
    """A statement compiled for one dialect, with the conversions of its parameters and rows.

    It refers neither to the statement nor, if it can, to SQLAlchemy's compiler: most of an evicted
    statement is then freed at once, without a garbage collection.
    """

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled = statement.clause.compile(dialect=dialect, column_keys=statement.values or None)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 (for the type checker)
        self._sql = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        # An expanding IN is written out for each list of values.
        expands = compiled.post_compile_params | compiled.literal_execute_params
        self._expanding = compiled if expands else None
        self._own_values = _own_values(compiled)
        self._to_driver = _conversions(
            {
                name: bind.type.dialect_impl(dialect).bind_processor(dialect)
                for name, bind in compiled.binds.items()
            }
        )
        types = [column.type.dialect_impl(dialect) for column in statement.exported]
        self._from_driver = _conversions(
            {index: each.result_processor(dialect, None) for index, each in enumerate(types)}
        )
        self._digits = {
            index: self._from_driver.pop(index)
            for index, type_ in enumerate(types[: len(statement.columns)])
            if _is_in_digits(type_) and index in self._from_driver
        }

    def bind(self, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """Return the SQL and the values of its bind parameters, in order, for the driver.

        Raises:
            BadUserInputError: a value is out of its column's range.
            KeyError: a parameter has no value.
        """
        if self._own_values:
            own = {name: give() for name, give in self._own_values.items()}
            parameters = {**own, **parameters}
        sql, names, conversions = self._sql, self._names, self._to_driver
        if self._expanding is not None:
            state = self._expanding.construct_expanded_state(parameters, escape_names=False)
            sql, names, parameters = state.statement, state.positiontup or (), state.parameters
            conversions = {**conversions, **_conversions(state.processors)}
        if not conversions:
            return sql, [parameters[name] for name in names]
        return sql, [_to_driver(conversions.get(name), name, parameters[name]) for name in names]

    def rows(self, statement: Statement, tuples: Sequence[Sequence[Any]]) -> Rows:
        """Convert the driver's rows to Python values."""
        if self._from_driver:
            tuples = _converted_columns(self._from_driver, tuples)
        if count := statement.sort_by:
            place = itemgetter(*range(-count, 0))
            tuples = [row[:-count] for row in sorted(tuples, key=place)]
        return Rows(statement, tuples, self._digits)


@lru_cache(STATEMENTS)
def with_column(statement: Statement, name: str) -> Statement | None:
    """Return a statement that also selects this column of its table; None if it cannot."""
    clause = statement.clause
    if not isinstance(clause, Select) or statement.sort_by:
        return None
    column = clause.get_final_froms()[0].c.get(name)
    if column is None:
        return None
    return Statement(clause.add_columns(column), scans=statement.scans, may_scan=statement.may_scan)


def _is_in_digits(type_: TypeEngine[Any]) -> bool:
    """Whether a driver whose values are converted has hexadecimal digits for this type."""
    return type(type_) is Uuid and type_.as_uuid


def _conversions(processors: Mapping[Any, Convert | None]) -> dict[Any, Convert]:
    return {key: convert for key, convert in processors.items() if convert is not None}


def _own_values(compiled: SQLCompiler) -> dict[str, Callable[[], object]]:
    """Return functions for the values of parameters that the caller need not give.

    These are literals in the statement, and defaults of columns that it does not name.
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
            raise TypeError(f"the default of {name} must be a value or a Python function")
    return values


def _to_driver(convert: Convert | None, name: str, value: Any) -> Any:
    if convert is None:
        return value
    try:
        return convert(value)
    except OverflowError:
        raise BadUserInputError(f"{name} is out of range") from None


def _converted_columns(
    converts: Mapping[int, Convert],
    tuples: Sequence[Sequence[Any]],
    convert_all: Callable[[Convert, Sequence[Any]], list[Any]] | None = None,
) -> Sequence[Sequence[Any]]:
    """Convert the values of some columns."""
    if not tuples:
        return tuples
    columns: list[Sequence[Any]] = list(zip(*tuples, strict=True))
    for index, convert in converts.items():
        columns[index] = (convert_all or _from_driver)(convert, columns[index])
    return list(zip(*columns, strict=True))


def _written(convert: Convert, values: Sequence[Any]) -> list[Any]:
    """Return UUIDs in hexadecimal digits as texts; convert them if any other value is there."""
    if _are_digits(values):
        return [f"{v[:8]}-{v[8:12]}-{v[12:16]}-{v[16:20]}-{v[20:]}" for v in values]
    return _from_driver(convert, values)


def _are_digits(values: Sequence[Any]) -> bool:
    """Whether all values are UUIDs in hexadecimal digits."""
    try:
        digits = "".join(values)
        return bytes.fromhex(digits).hex() == digits and {UUID_DIGITS}.issuperset(map(len, values))
    except (TypeError, ValueError):
        return False


def digits_of(value: Any) -> Any:
    """Return the hexadecimal digits of Python's own UUIDs, and any other value as it is."""
    return value.hex if type(value) is UUID else value


def _from_driver(convert: Convert, values: Sequence[Any]) -> list[Any]:
    """Convert the values of a column; replace those that cannot be converted by the exception."""
    try:
        return [convert(value) for value in values]
    except Exception:  # noqa: BLE001 (other programs may store anything)
        return [_converted(convert, value) for value in values]


def _converted(convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except Exception as error:  # noqa: BLE001 (as above)
        return error

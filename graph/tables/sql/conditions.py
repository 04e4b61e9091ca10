"""Conditions on a table's rows: a template, compiled to SQL once, and the values it is run with."""

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple, Self, TypeAlias

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Numeric,
    String,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.sql.selectable import AliasedReturnsRows
from sqlalchemy.types import TypeEngine

from graph.tables.sql.functions import comparable, is_text, underlying_type
from graph.tables.sql.relation import Relation

Template: TypeAlias = tuple[Any, ...]
"""A condition without its values, as nested tuples: `("and", templates)`, `("or", templates)`,
`("not", template)`, `("some", relation, template)`, `("in", column, number of values)`, or
`(operator, column)` with an operator of `COMPARISONS`."""


class Condition(NamedTuple):
    """A condition on the rows of a table."""

    template: Template
    """The condition without its values; compiled to SQL once."""
    values: tuple[object, ...]
    """The values of the bind parameters, in order."""

    @property
    def parameters(self) -> dict[str, object]:
        """The values by name of the bind parameter."""
        return {f"w{index}": value for index, value in enumerate(self.values)}

    def both(self, other: "Condition") -> "Condition":
        """Return a condition that matches the rows of both."""
        return Condition(("and", (self.template, other.template)), self.values + other.values)


EVERYTHING = Condition(("and", ()), ())
"""All rows."""

NOTHING = Condition(("or", ()), ())
"""No row."""


class Position(FunctionElement[int]):
    """Position of a text inside another, from 1; 0 if it is not contained."""

    name = "position"
    type = Integer()
    inherit_cache = True


@compiles(Position)
def _strpos(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(Position, "sqlite")
def _instr(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


class IsNumber(FunctionElement[bool]):
    """Whether a numeric column holds a number: in SQLite it may hold a text.

    Texts sort after all numbers (https://sqlite.org/datatype3.html#comparison_expressions). Written
    as `< ''`, SQLite can end the index scan at the first text. `likely()` keeps the planner from
    assuming that few rows match, and then sorting them instead of reading the index in order.
    """

    name = "is_number"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002 (SQLAlchemy's)
        """Keep the bare comparison: with SQLite's usual `= 1`, it would be no bound of an index."""
        return self


@compiles(IsNumber)
def _always(_element: IsNumber, _compiler: SQLCompiler, **_options: Any) -> str:
    return "true"


@compiles(IsNumber, "sqlite")
def _below_texts(element: IsNumber, compiler: SQLCompiler, **options: Any) -> str:
    return f"likely({compiler.process(element.clauses, **options)} < '')"


def _number(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return `IsNumber` of a numeric column; true for any other column."""
    return (
        IsNumber(column)
        if isinstance(underlying_type(column.type), Integer | Float | Numeric)
        else true()
    )


def _unbounded(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return a bind type that accepts values beyond the column's range, length or precision."""
    if isinstance(type_, Integer):
        return BigInteger()
    if isinstance(type_, Numeric):
        return Numeric()
    return String() if is_text(type_) else type_


COMPARISONS: dict[
    str, Callable[[ColumnElement[Any], Callable[[], BindParameter[Any]]], ColumnElement[bool]]
] = {
    "null": lambda column, _: column.is_(None),
    "set": lambda column, _: column.is_not(None),
    "eq": lambda column, value: comparable(column) == value(),
    "ne": lambda column, value: comparable(column).is_distinct_from(value()),
    "lt": lambda column, value: comparable(column) < value(),
    "lte": lambda column, value: comparable(column) <= value(),
    "gt": lambda column, value: and_(comparable(column) > value(), _number(column)),
    "gte": lambda column, value: and_(comparable(column) >= value(), _number(column)),
    "contains": lambda column, value: Position(comparable(column), value()) > literal_column("0"),
    "folded": lambda column, value: func.lower(comparable(column)) == value(),
}
"""By operator, the SQL for a column and a value; the first two take no value.

The value of `folded` must have no ASCII upper-case letters: `lower()` only changes ASCII on SQLite
and in PostgreSQL's collation "C". Cursors contain a digest of the operators: renaming one
invalidates them.
"""


Bind: TypeAlias = Callable[[TypeEngine[Any]], BindParameter[Any]]
"""Returns the bind parameter of the next value of a condition."""


def clause(table: FromClause, template: Template) -> ColumnElement[bool]:
    """Return the SQL of a condition on visible rows, with bind parameters `w0`, `w1`, …."""
    names = map("w{}".format, count())
    condition = _clause(table, template, lambda type_: bindparam(next(names), type_=type_))
    return and_(visible(table), condition)


def rule(table: Table) -> Condition:  # noqa: ARG001 (this is the place for rules)
    """Return the condition that a row must match to be there for clients.

    Every statement that reads, changes, deletes or counts rows joins it, and so do relations,
    filters by related rows, and changes. The operator's own checks and sample rows do not.
    """
    return EVERYTHING


def visible(rows: FromClause) -> ColumnElement[bool]:
    """Return the SQL of `rule` for a table, or for an alias of it."""
    table: Any = rows.element if isinstance(rows, AliasedReturnsRows) else rows
    condition = rule(table)
    if condition == EVERYTHING:
        return true()
    values = iter(condition.values)

    def bind(type_: TypeEngine[Any]) -> BindParameter[Any]:
        return bindparam(None, next(values), type_=type_, unique=True)

    return _clause(rows, condition.template, bind)


def _clause(table: FromClause, template: Template, bind: Bind) -> ColumnElement[bool]:
    operator, about = template[:2]
    if operator == "and":
        return and_(true(), *[_clause(table, part, bind) for part in about])
    if operator == "or":
        return or_(false(), *[_clause(table, part, bind) for part in about])
    if operator == "not":
        return _clause(table, about, bind).is_not(true())
    if operator == "some":
        return _has_some(table, about, template[2], bind)
    column = table.c[about]
    type_ = _unbounded(column.type)

    def value() -> BindParameter[Any]:
        return bind(type_)

    if operator == "in":
        return comparable(column).in_([value() for _ in range(template[2])])
    return COMPARISONS[operator](column, value)


def _has_some(
    table: FromClause, relation: Relation, template: Template, bind: Bind
) -> ColumnElement[bool]:
    """Condition: some related row matches."""
    target = relation.target.alias()  # the table may be the same one
    rows: FromClause = target
    keys: FromClause = target
    if relation.between is not None:
        keys = relation.between.alias()
        same = [keys.c[of.key] == target.c[to.key] for of, to in relation.pairs_between]
        rows = keys.join(target, and_(*same))
    own = [table.c[to.key] for to, _ in relation.pairs]
    found = select(*[keys.c[of.key] for _, of in relation.pairs]).select_from(rows)
    one: Any = own[0] if len(own) == 1 else tuple_(*own)
    matching = and_(visible(target), _clause(target, template, bind))
    condition: ColumnElement[bool] = one.in_(found.where(visible(keys), matching))
    return condition


def has_relation(template: Template) -> bool:
    """Whether a condition is on related rows."""
    operator, about = template[:2]
    if operator in {"and", "or"}:
        return any(map(has_relation, about))
    return has_relation(about) if operator == "not" else operator == "some"


def constant(template: Template) -> bool | None:
    """Return the value of a condition without comparisons; None if it has any."""
    operator, about = template[:2]
    if operator == "not":
        inner = constant(about)
        return None if inner is None else not inner
    if operator not in {"and", "or"}:
        return None
    parts = [constant(part) for part in about]
    if None in parts:
        return None
    return all(parts) if operator == "and" else any(parts)

"""Statements that find the rows related to other rows: one statement, however many these are."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Dialect,
    FromClause,
    Select,
    String,
    TypeDecorator,
    and_,
    any_,
    bindparam,
    func,
    select,
    true,
    tuple_,
    type_coerce,
)

from graph.database.statement import STATEMENTS, Statement
from graph.tables.sql.conditions import EVERYTHING, Template, clause, visible
from graph.tables.sql.functions import comparable
from graph.tables.sql.keys import among, bind_type, key_of, leads_key, selected
from graph.tables.sql.page import sorted_by
from graph.tables.sql.relation import Relation
from graph.tables.sql.segments import Order, total_order


@lru_cache(STATEMENTS)
def row_of_each(
    relation: Relation, columns: tuple[str, ...] | None, *, is_lateral: bool
) -> Statement:
    """Select the rows whose columns have the values in the bind parameter `keys`."""
    remote = [column for _, column in relation.pairs]
    found = select(*_columns(relation, columns, remote))
    among_ = _among(remote, is_lateral=is_lateral)
    return Statement(found.where(among_, visible(relation.target)))


@lru_cache(STATEMENTS)
def rows_of_each(
    relation: Relation,
    columns: tuple[str, ...] | None,
    where: Template,
    order: Order,
    *,
    is_lateral: bool,
) -> Statement:
    """Select the first `limit` rows of each owner that has one of `keys`, in order.

    A correlated subquery finds the keys of an owner's rows. With an index on the columns that refer
    to the owner, it reads no more rows than it returns.

    Args:
        relation: the relation.
        columns: the columns to return.
        where: the condition that the rows must match.
        order: one of `total_order`.
        is_lateral: whether the database knows LATERAL. SQLite does not, and PostgreSQL would run
            the other form for each pair of rows.
    """
    target, owner = relation.target, relation.owner.alias("owner")
    local = [owner.c[name] for name in relation.key]
    keys = _keys_of_owner(relation, owner, where, order)
    key = [target.c[name] for name in key_of(target).names]
    rows: FromClause
    if is_lateral:
        found = keys.lateral("found")
        same = [column == found.c[index] for index, column in enumerate(key)]
        rows = owner.join(found, true()).join(target, and_(*same))
    else:
        one = key[0] if len(key) == 1 else tuple_(*key)
        rows = owner.join(target, one.in_(keys))
    page = select(*_columns(relation, columns, local)).select_from(rows)
    may_scan = where != EVERYTHING.template or order != total_order(target)
    return Statement(
        page.where(_among(local, is_lateral=is_lateral)).order_by(*sorted_by(target, order)),
        may_scan=may_scan,
    )


def _keys_of_owner(
    relation: Relation, owner: FromClause, where: Template, order: Order
) -> Select[*tuple[Any, ...]]:
    """Select the keys of the first `limit` rows that belong to a row of `owner`."""
    inner: Any = relation.target.alias("inner")
    source: FromClause = inner
    remote: Any = inner
    if relation.between is not None:
        remote = relation.between
        joined = [of == inner.c[to.key] for of, to in relation.pairs_between]
        source = remote.join(inner, and_(*joined))
    # As the index is declared: that of the key has the collation of the column.
    has_key = leads_key([of for _, of in relation.pairs])
    belongs = [
        (remote.c[of.key] if has_key else comparable(remote.c[of.key])) == owner.c[to.key]
        for to, of in relation.pairs
    ]
    keys = select(*[inner.c[name] for name in key_of(relation.target).names]).select_from(source)
    # Columns of the table between have an index behind the owner's key.
    links = {to.key: remote.c[of.key] for of, to in relation.pairs_between}
    return (
        keys.where(*belongs, visible(remote), clause(inner, where))
        .order_by(*sorted_by(inner, order, links))
        .limit(bindparam("limit", type_=BigInteger))
        .correlate(owner)
    )


class _JsonList(TypeDecorator[Any]):
    """A list as one parameter, for `json_each`."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002 (SQLAlchemy's)
        return orjson.dumps(value).decode()


def _among(columns: Sequence[ColumnElement[Any]], *, is_lateral: bool) -> ColumnElement[bool]:
    """Condition: the columns have one of the values in the bind parameter `keys`.

    The keys of one column are one parameter: `IN` has as many as there are keys, so each number of
    keys is another statement, which takes longer to write and to prepare than to run.
    """
    if len(columns) > 1:
        return among(columns)
    (column,) = columns
    if is_lateral:
        return column == any_(bindparam("keys", type_=ARRAY(bind_type(column))))
    keys = func.json_each(bindparam("keys", type_=_JsonList)).table_valued("value")
    return column.in_(select(keys.c.value))


def _columns(
    relation: Relation, columns: tuple[str, ...] | None, owner: Sequence[ColumnElement[Any]]
) -> list[ColumnElement[Any]]:
    """Return the columns with these names, and those that have the owner's key."""
    chosen = [] if columns == () else selected(relation.target, columns)
    keys = zip(owner, relation.owners, strict=True)
    # As they are stored, for `Rows.keys`.
    return [*chosen, *[type_coerce(key, bind_type(key)).label(name) for key, name in keys]]

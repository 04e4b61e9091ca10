"""Relations: fields of a row that are rows of another table, declared from the models."""

from collections.abc import Hashable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, Table, inspect
from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlmodel import SQLModel

from graph.database.base import Session
from graph.database.statement import Statement
from graph.engine.context import Info
from graph.engine.related import Found, Related
from graph.errors import BadUserInputError
from graph.tables.columns import index_by
from graph.tables.filters import condition_of
from graph.tables.orders import order_of
from graph.tables.sql.conditions import Condition
from graph.tables.sql.related import row_of_each, rows_of_each
from graph.tables.sql.relation import Pairs, Relation, is_unique
from graph.tables.sql.segments import Order
from graph.tables.sql.writing import Columns

DEFAULT_LIMIT = 5
"""Rows of a relation by default: a default page with them has some 600 rows."""


def relation_of(
    model: type[SQLModel], name: str, target: Table, foreign_key: str | None, *, is_list: bool
) -> Relation:
    """Return the relation of this name.

    The model's `Relationship` of this name says which columns are equal, or else the foreign key
    between the two tables.

    Args:
        model: the model of the owner.
        name: the name of the relation.
        target: the table of the related rows.
        foreign_key: the column that refers to the other table; None if there is only one, or for a
            `Relationship`.
        is_list: whether several rows may belong to a row.

    Raises:
        TypeError: there is no such relation, or it cannot be served.
    """
    mapper: Any = inspect(model)
    where = f"{model.__name__}.{name}"
    if foreign_key is None and name in mapper.relationships:
        relation = _of_relationship(mapper.relationships[name], name, where)
    else:
        pairs = _foreign_key(mapper.local_table, target, foreign_key, where, is_list=is_list)
        relation = Relation(name, mapper.local_table, target, pairs)
    if relation.target is not target:
        raise TypeError(
            f"{where} refers to the table {relation.target.name}, not to {target.name}: "
            "give it the resource of that table"
        )
    local, remote = zip(*relation.pairs, strict=True)
    if is_list:
        if not is_unique(local):
            raise TypeError(
                f"{where} is a list, but several rows of {relation.owner.name} may have the same "
                f"{_names(local)}: make these columns unique, or use to_one"
            )
        links = [column for column, _ in relation.pairs_between]
        if relation.between is not None and not is_unique([*remote, *links]):
            raise TypeError(
                f"{where} goes through the table {relation.between.name}, which may have a pair "
                f"of rows twice: make {_names([*remote, *links])} its primary key"
            )
    elif relation.between is not None or not is_unique(remote):
        raise TypeError(f"{where} may have several rows: use to_many")
    return relation


def _of_relationship(relationship: RelationshipProperty[Any], name: str, where: str) -> Relation:
    owner: Any = relationship.parent.local_table
    target: Any = relationship.mapper.local_table
    between: Any = relationship.secondary
    tables = [owner, target] if between is None else [owner, target, between]
    pairs: list[Any] = list(relationship.local_remote_pairs or ())
    pairs_between: list[Any] = []
    if between is not None:
        pairs = list(relationship.synchronize_pairs)
        pairs_between = [(of, to) for to, of in relationship.secondary_synchronize_pairs or ()]
    equal = _equal(relationship.primaryjoin) + _equal(relationship.secondaryjoin)
    if equal != len(pairs) + len(pairs_between) or not all(
        isinstance(table, Table) for table in tables
    ):
        raise TypeError(
            f"{where} has a condition beyond equal columns of tables: write a resolver for it"
        )
    return Relation(name, owner, target, tuple(pairs), between, tuple(pairs_between))


def _equal(join: Any) -> float:
    """Return the number of pairs that a condition compares; infinity if it does anything else."""
    parts = [] if join is None else [join]
    if isinstance(join, BooleanClauseList) and join.operator is operators.and_:
        parts = list(join.clauses)
    if all(isinstance(each, BinaryExpression) and each.operator is operators.eq for each in parts):
        return len(parts)
    return inf


def _foreign_key(
    owner: Table, target: Table, column: str | None, where: str, *, is_list: bool
) -> Pairs:
    referring, referred = (target, owner) if is_list else (owner, target)
    found = [
        each
        for each in referring.constraints
        if isinstance(each, ForeignKeyConstraint)
        and each.referred_table is referred
        and column in {None, *each.column_keys}
    ]
    if len(found) != 1:
        count = "no foreign key" if not found else "several foreign keys"
        raise TypeError(
            f"{where} is no Relationship of the model, and {referring.name} has {count} to "
            f"{referred.name}: declare a Relationship, or name the column as foreign_key="
        )
    pairs: list[tuple[Column[Any], Column[Any]]] = [
        (each.parent, each.column) for each in found[0].elements
    ]
    if is_list:
        pairs = [(key, referring_column) for referring_column, key in pairs]
    return tuple(pairs)


def _names(columns: Sequence[Column[Any]]) -> str:
    return ", ".join([column.name for column in columns])


class Load(NamedTuple):
    """Loads the related rows of several objects, for a data loader."""

    related: Related
    columns: Columns
    choice: Hashable

    async def __call__(self, session: Session, keys: list[Any]) -> list[Any]:
        """Return the rows of each key, or the only one."""
        rows, owners = await self.related.fetch(session, keys, self.columns, self.choice)
        found: dict[Any, list[Any]] = {key: [] for key in keys}
        for owner, row in zip(map(_same_form, owners), rows, strict=True):
            if owner in found:
                found[owner].append(row)
        lists = [found[key] for key in keys]
        return lists if self.related.is_list else [each[0] if each else None for each in lists]


async def load_related(related: Related, row: Any, info: Info, **arguments: Any) -> Any:
    """Return the related rows of one row, or the only one; those of other rows are loaded with it.

    Raises:
        Exception: a column of the row cannot be read.
        PublicError: an argument is invalid, or the database cannot answer.
    """
    key = tuple([getattr(row, name) for name in related.key])
    for value in key:
        if isinstance(value, Exception):
            raise value
    if None in key:
        return [] if related.is_list else None
    load: Any = Load(related, info.columns, related.choice(arguments))
    return await info.context.loader(load).load(_same_form(key if len(key) > 1 else key[0]))


def _same_form(key: Any) -> Any:
    """Return a key, of one column or several, with all UUIDs in hexadecimal digits."""
    if isinstance(key, tuple):
        return tuple(map(_same_form, key))
    return key.hex if isinstance(key, UUID) else key


class RelatedByColumns(Related):
    """Rows of another table that belong to each row, as some columns of both are equal."""

    def __init__(self, relation: Relation, *, is_list: bool) -> None:
        super().__init__(relation.key, is_list=is_list)
        self.relation = relation

    def columns(self, selected: Columns) -> Columns:
        return None if selected is None else (*selected, *self.relation.owners)

    async def _found(self, session: Session, statement: Statement, **parameters: Any) -> Found:
        rows = await session.fetch(statement, **parameters)
        return Found(rows, rows.keys(self.relation.owners))


class RelatedRow(RelatedByColumns):
    """At most one row for each row."""

    def __init__(self, relation: Relation) -> None:
        super().__init__(relation, is_list=False)

    def choice(self, arguments: Mapping[str, Any]) -> None:
        pass

    async def fetch(
        self,
        session: Session,
        keys: Sequence[Any],
        columns: Columns,
        choice: None,  # noqa: ARG002 (it has none)
    ) -> Found:
        statement = row_of_each(self.relation, columns, is_lateral=_is_lateral(session))
        return await self._found(session, statement, keys=keys)


class Choice(NamedTuple):
    """Which of an object's related rows are listed."""

    limit: int
    condition: Condition
    order: Order


class RelatedRows(RelatedByColumns):
    """Several rows for each row.

    Args:
        relation: the relation; it gets an index by which its rows are found, if it has none.
        most: maximum number of rows for each row.
    """

    def __init__(self, relation: Relation, most: int) -> None:
        super().__init__(relation, is_list=True)
        self.most = most
        index_by([remote for _, remote in relation.pairs])

    def choice(self, arguments: Mapping[str, Any]) -> Choice:
        limit = arguments["limit"]
        if not 0 <= limit <= self.most:
            raise BadUserInputError(f"limit must be from 0 to {self.most}, not {limit}")
        where, order_by = arguments.get("where"), arguments.get("order_by")
        return Choice(limit, condition_of(where), order_of(self.relation.target, order_by))

    async def fetch(
        self, session: Session, keys: Sequence[Any], columns: Columns, choice: Choice
    ) -> Found:
        limit, condition, order = choice
        statement = rows_of_each(
            self.relation,
            columns,
            condition.template,
            order,
            is_lateral=_is_lateral(session),
        )
        parameters = condition.parameters
        return await self._found(session, statement, keys=keys, limit=limit, **parameters)


def _is_lateral(session: Session) -> bool:
    """Whether the database knows LATERAL."""
    return session.dialect.name != "sqlite"

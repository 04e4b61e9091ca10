"""The API of a table: its types, its inputs, and its root fields."""

import re
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from inspect import signature
from typing import Annotated, Any, TypeVar

import strawberry
from pydantic import BaseModel
from sqlalchemy import Table, inspect
from sqlmodel import SQLModel

from graph.database.constraints import FIELDS
from graph.engine.connection import Connection
from graph.engine.context import ONE_STATEMENT, ORDERED_BY, Info
from graph.engine.definitions import (
    StrawberryField,
    add_field,
    get_object_definition,
    has_resolver,
    to_camel_case,
)
from graph.engine.related import RELATED
from graph.tables.arguments import Arguments
from graph.tables.changes import FOLLOWED, RowChanges, follow, read_cursor
from graph.tables.connections import OrderedRows, PageArguments, read_connection
from graph.tables.filters import Filter, condition_of, filter_by_relation, filter_input
from graph.tables.inputs import Changes, changes_input, create_input
from graph.tables.orders import OrderTerm, order_input, order_of
from graph.tables.relations import (
    DEFAULT_LIMIT,
    RelatedRow,
    RelatedRows,
    load_related,
    relation_of,
)
from graph.tables.rows import TableRows
from graph.tables.sql.relation import Relation
from graph.tables.stats import Stats, read_stats, stats_type
from graph.tables.types import TABLE, row_type

# ruff: noqa: ARG001 (graphql-core passes the root value to each resolver, as `self`)

T = TypeVar("T")

UNSET: Any = strawberry.UNSET

AN = re.compile(r"(?!eu|one|uni|us[aeiou])[aeiou]", re.IGNORECASE)
"""Words that begin with the sound of a vowel, such as `item`, but not `user`."""


class Resource(TableRows[T]):
    """The API of a table.

    A method that ends in `_field` returns a root field, and takes the options of
    `strawberry.field`, such as `permission_classes`. The other methods are for resolvers that are
    written out.

    Args:
        model: the table's SQLModel class.
        type_: the Strawberry type of its rows, which clients read.
        create: the fields of a new row, with their rules; it becomes an input.
        one: what a row is, such as `hero`; used in descriptions and messages.
        many: the plural.
        most: maximum number of rows that one field reads or writes.
        public: fields that clients may read although their names sound secret, such as
            `secret_name`. Others are named in a warning when the service starts.

    Raises:
        TypeError: the key, or the type of a field, is not supported, or `type_` is the model.
    """

    def __init__(  # noqa: PLR0913 (what a table's API is made of)
        self,
        model: type[SQLModel],
        type_: type[T],
        *,
        create: type[BaseModel],
        one: str,
        many: str,
        most: int = 100,
        public: Collection[str] = (),
    ) -> None:
        self._model = model
        table: Any = inspect(model).local_table
        super().__init__(table, one=one, many=many, most=most)
        self.type = type_
        name = get_object_definition(type_, strict=True).name
        a = f"{'an' if AN.match(one) else 'a'} {one}"
        self._a = a
        row_type(table, type_, public)
        create_input(table, create, f"Create{name}Input", f"{_capital(a)} to create.")
        changes = changes_input(
            create, table, description=f"Some values of {a}; omitted fields are ignored."
        )(_subclass(Changes, f"Update{name}Input"))
        where = filter_input(
            table, type_, description=f"Filter of {many}; all conditions given must match."
        )(_subclass(Filter, f"{name}Filter"))
        order = order_input(table, type_, description=f"A field to sort {many} by.")(
            _subclass(OrderTerm, f"{name}Order")
        )
        self.hidden = frozenset(create.model_fields) - _readable(type_)
        table.info[FIELDS] = _fields(table, type_, create)
        self.filter = where
        self._sortable = order.columns()
        self._stats = stats_type(table, type_, description=f"{_capital(one)} statistics.")(
            _subclass(Stats, f"{name}Stats")
        )
        self.arguments = Arguments(
            one=one, many=many, most=most, create=create, changes=changes, where=where, order=order
        )

    def page_field(self, **options: Any) -> Any:
        """Return a field that lists rows, with `offset` and `limit`."""
        rows = self

        async def resolve(  # noqa: PLR0913, PLR0917 (the arguments in the API)
            self: None,
            info: Info,
            offset: int = 0,
            limit: int = rows.most,
            where: Filter | None = UNSET,
            order_by: list[OrderTerm] | None = UNSET,
        ) -> Any:
            return await rows.page(
                info.context.session, offset, limit, where, order_by, info.columns
            )

        returns: Any = Sequence[self.type]  # type: ignore[name-defined]
        about = f"A page of {self.many}, sorted by id unless `orderBy` is given."
        return self._field(resolve, returns, about, options)

    def connection_field(self, **options: Any) -> Any:
        """Return a field that lists rows by cursor."""
        rows = self

        async def resolve(  # noqa: PLR0913, PLR0917 (the arguments in the API)
            self: None,
            info: Info,
            first: int | None = UNSET,
            after: str | None = UNSET,
            last: int | None = UNSET,
            before: str | None = UNSET,
            where: Filter | None = UNSET,
            order_by: list[OrderTerm] | None = UNSET,
        ) -> Any:
            ordered = OrderedRows(rows.table, order_of(rows.table, order_by), condition_of(where))
            page = PageArguments.given(first, after, last, before)
            return await read_connection(info, ordered, page, rows.most)

        returns: Any = Connection[self.type]  # type: ignore[name-defined]
        options["metadata"] = {ORDERED_BY: self._sortable, **options.get("metadata", {})}
        return self._field(resolve, returns, f"A page of {self.many}, with cursors.", options)

    def stats_field(self, **options: Any) -> Any:
        """Return a field that counts and summarizes rows."""
        rows, stats = self, self._stats

        async def resolve(self: None, info: Info, where: Filter | None = UNSET) -> Any:
            return await read_stats(info, stats, rows.table, condition_of(where))

        return self._field(resolve, stats, f"{_capital(self.one)} statistics.", options)

    def get_field(self, **options: Any) -> Any:
        """Return a field that finds a row by id."""
        rows = self

        async def resolve(self: None, info: Info, id: str) -> Any:  # noqa: A002 (the name in the API)
            return await rows.get(info.context.session, id, info.columns)

        about = f"Find {self._a} by id; null when there is none."
        return self._field(resolve, self.type | None, about, options)

    def changes_cursor_field(self, **options: Any) -> Any:
        """Return a field that has the position in the changes of the state that is read."""
        rows = self

        async def resolve(self: None, info: Info) -> Any:
            return await read_cursor(info, rows.table)

        about = (
            f"Position in the changes of {self.many} of the state that this operation reads; give "
            f"it to a subscription as `after`."
        )
        options["metadata"] = {FOLLOWED: True, **options.get("metadata", {})}
        return self._field(resolve, str, about, options)

    def changes_field(self, **options: Any) -> Any:
        """Return a subscription to changes of rows, of whatever program."""
        rows = self

        async def resolve(
            self: None, info: Info, position: str | None = UNSET, where: Filter | None = UNSET
        ) -> Any:
            async for event in follow(info, rows.table, position, where):
                yield event

        returns: Any = AsyncGenerator[RowChanges[self.type], None]  # type: ignore[name-defined]
        about = f"Changes of {self.many}, whoever makes them, from now or from a cursor on."
        options["metadata"] = {FOLLOWED: True, **options.get("metadata", {})}
        options["is_subscription"] = True
        return self._field(resolve, returns, about, options)

    def create_field(self, **options: Any) -> Any:
        """Return a mutation that creates a row."""
        rows = self

        async def resolve(self: None, info: Info, new: BaseModel) -> Any:
            return await rows.insert(info.context.session, new, info.columns)

        options["metadata"] = {ONE_STATEMENT: True, **options.get("metadata", {})}
        return self._field(resolve, self.type, f"Create {self._a}.", options)

    def create_many_field(self, **options: Any) -> Any:
        """Return a mutation that creates several rows."""
        rows = self

        async def resolve(self: None, info: Info, several: list[BaseModel]) -> Any:
            return await rows.insert_many(info.context.session, several, info.columns)

        about = f"Create several {self.many}, all or none."
        return self._field(resolve, Sequence[self.type], about, options)  # type: ignore[name-defined]

    def update_field(self, **options: Any) -> Any:
        """Return a mutation that changes a row."""
        rows = self

        async def resolve(
            self: None,
            info: Info,
            id: str,  # noqa: A002 (the name in the API)
            changes: Changes,
            expected: Changes | None = UNSET,
        ) -> Any:
            return await rows.update(info.context.session, id, changes, expected, info.columns)

        about = f"Change the given fields of {self._a}."
        return self._field(resolve, self.type, about, options)

    def update_many_field(self, **options: Any) -> Any:
        """Return a mutation that changes the rows that match a filter."""
        rows = self

        async def resolve(
            self: None, info: Info, matching: Filter, changes: Changes, at_most: int = 1
        ) -> Any:
            session = info.context.session
            return await rows.update_many(session, matching, changes, at_most, info.columns)

        about = f"Change the given fields of the {self.many} that match."
        return self._field(resolve, Sequence[self.type], about, options)  # type: ignore[name-defined]

    def delete_field(self, **options: Any) -> Any:
        """Return a mutation that deletes a row."""
        rows = self

        async def resolve(self: None, info: Info, id: str) -> Any:  # noqa: A002 (the name in the API)
            return await rows.delete(info.context.session, id, info.columns)

        about = f"Delete {self._a}, and return it as it was."
        return self._field(resolve, self.type, about, options)

    def delete_many_field(self, **options: Any) -> Any:
        """Return a mutation that deletes the rows that match a filter."""
        rows = self

        async def resolve(self: None, info: Info, matching: Filter, at_most: int = 1) -> Any:
            return await rows.delete_many(info.context.session, matching, at_most, info.columns)

        about = f"Delete the {self.many} that match, and return them as they were."
        return self._field(resolve, Sequence[self.type], about, options)  # type: ignore[name-defined]

    def to_one(
        self, name: str, target: "Resource[Any]", *, foreign_key: str | None = None, **options: Any
    ) -> None:
        """Add a field to the type: the row of another table to which a row belongs.

        It is null if there is none. The model's `Relationship` of this name says how the tables are
        joined, or else the foreign key between them.

        Args:
            name: the name of the field.
            target: the API of the other table.
            foreign_key: the column that refers to it, if there are several.
            options: of `strawberry.field`, such as `permission_classes`.

        Raises:
            TypeError: the tables have no such relation, or it cannot be served.
        """
        relation = relation_of(self._model, name, target.table, foreign_key, is_list=False)
        related = RelatedRow(relation)

        async def resolve(self: Any, info: Info) -> Any:
            return await load_related(related, self, info)

        about = f"The {_words(name)} of the {self.one}; null if there is none."
        options["metadata"] = {RELATED: related, **options.get("metadata", {})}
        self._add(relation, target, self._field(resolve, target.type | None, about, options))

    def to_many(
        self,
        name: str,
        target: "Resource[Any]",
        *,
        most: int = 100,
        foreign_key: str | None = None,
        **options: Any,
    ) -> None:
        """Add a field to the type: the rows of another table that belong to a row.

        It has the arguments `limit`, `where` and `orderBy`. Where no index finds the rows by their
        owner, one is added to the table's model.

        Args:
            name: the name of the field.
            target: the API of the other table.
            most: maximum number of rows that belong to one row.
            foreign_key: the other table's column that refers to this one, if there are several.
            options: of `strawberry.field`, such as `permission_classes`.

        Raises:
            TypeError: the tables have no such relation, or it cannot be served.
        """
        relation = relation_of(self._model, name, target.table, foreign_key, is_list=True)
        related = RelatedRows(relation, most)

        async def resolve(
            self: Any,
            info: Info,
            limit: int = min(DEFAULT_LIMIT, most),
            where: Filter | None = UNSET,
            order_by: list[OrderTerm] | None = UNSET,
        ) -> Any:
            arguments = {"limit": limit, "where": where, "order_by": order_by}
            return await load_related(related, self, info, **arguments)

        about = f"The {_words(name)} of the {self.one}, sorted by id unless `orderBy` is given."
        options["metadata"] = {RELATED: related, **options.get("metadata", {})}
        returns: Any = Sequence[target.type]  # type: ignore[name-defined]
        arguments = target.arguments.of_relation(most)
        made = self._field(resolve, returns, about, options, arguments)
        self._add(relation, target, made)

    def _add(self, relation: Relation, target: "Resource[Any]", field: StrawberryField) -> None:
        """Add a relation to the type, and to the filter unless it would reveal what rights hide."""
        add_field(self.type, relation.name, field)
        if not field.extensions:
            filter_by_relation(self.filter, relation, target.filter)

    def _field(
        self,
        resolve: Callable[..., Any],
        returns: object,
        description: str,
        options: dict[str, Any],
        arguments: Arguments | None = None,
    ) -> Any:
        """Return a field of a resolver whose parameters have the names of `Arguments`."""
        _, info, *names = signature(resolve).parameters
        given = arguments or self.arguments
        annotations: dict[str, Any] = {name: Annotated[Any, getattr(given, name)] for name in names}
        options["metadata"] = {TABLE: self.table, **options.get("metadata", {})}
        resolve.__annotations__ = {info: Info, **annotations, "return": returns}
        return strawberry.field(resolver=resolve, **{"description": description, **options})


def _fields(table: Table, type_: type, create: type[BaseModel]) -> dict[str, str]:
    """Return the names of the columns that clients read or write, by that of the column."""
    fields = get_object_definition(type_, strict=True).fields
    names = {field.python_name: field.graphql_name for field in fields}
    return {
        column.name: names.get(column.key) or to_camel_case(column.key)
        for column in table.c
        if column.key in {*names, *create.model_fields}
    }


def _readable(type_: type) -> set[str]:
    """Return the columns that every client may read."""
    fields = get_object_definition(type_, strict=True).fields
    return {
        field.python_name for field in fields if not has_resolver(field) and not field.extensions
    }


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _words(name: str) -> str:
    return name.replace("_", " ")


C = TypeVar("C")


def _subclass(base: type[C], name: str) -> type[C]:
    return type(name, (base,), {"__doc__": base.__doc__})

"""Fields of rows that are no columns: relations, and resolvers that take the row alone.

graphql-core calls a relation's resolver for each object. Here the related rows of all objects are
fetched and completed first, by one statement for each relation, however many objects there are; the
comprehension of `results` then puts them into their objects, as it does with what resolvers return.
"""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import Executor

from graph.database.statement import Rows, digits_of
from graph.engine._compiled.arguments import Parameters, info_of
from graph.engine._compiled.results import NOT_ROWS, ValueCompiler, ValuesInside
from graph.engine._compiled.run import PlanRun
from graph.engine.connection import Connection
from graph.engine.context import Info
from graph.engine.definitions import Path, field_of, row_resolver
from graph.engine.fallback import Fallback
from graph.engine.related import related_of
from graph.engine.selection import Selected, Selection, SelectionTree


class FieldsInside:
    """The relations and row resolvers that are selected on the rows of one field.

    Args:
        executor: graphql-core's executor of the operation.
        tree: the operation's fields.
        compiler: has compiled the field.

    Raises:
        Fallback: a relation cannot be compiled.
    """

    def __init__(
        self, executor: Executor[Any], tree: SelectionTree, compiler: ValueCompiler
    ) -> None:
        self._fields = {
            selection: [
                ResolvedField(each)
                if related_of(each.definition) is None
                else RelatedField(executor, tree, selection.type, each)
                for each in inside
            ]
            for selection, inside in compiler.inside.items()
        }

    async def values(self, run: PlanRun, value: Any) -> ValuesInside:
        """Return the values of the fields for each row of the value; relations are completed.

        Args:
            run: the run of the operation.
            value: the value of the field that has the rows.

        Raises:
            Exception: graphql-core must complete them, or report the error.
        """
        if value is None:
            return {}
        return {
            selection: [await field.values(run, value) for field in fields]
            for selection, fields in self._fields.items()
        }


class ResolvedField:
    """A field with a row resolver.

    Args:
        selection: the field.
    """

    def __init__(self, selection: Selection) -> None:
        resolve = row_resolver(selection.definition)
        assert resolve is not None  # noqa: S101 (for the type checker)
        self._resolve = resolve
        self._node = selection.nodes[0]

    async def values(self, run: PlanRun, value: Any) -> Sequence[Any]:
        """Return what the resolver returns for each row, or the exception that it raises."""
        rows = list(_rows_of(value))
        values = [self._value(row) for row in rows]
        run.resolved.add(self._node, rows, values)
        return values

    def _value(self, row: Any) -> Any:
        try:
            return self._resolve(row)
        except Exception as error:  # noqa: BLE001 (any exception of a resolver is a field error)
            return error


class RelatedField:
    """A relation that is selected on rows.

    Args:
        executor: graphql-core's executor of the operation.
        tree: the operation's fields.
        type_: the type of the rows' objects.
        selection: the relation.

    Raises:
        Fallback: the relation cannot be compiled.
    """

    def __init__(
        self, executor: Executor[Any], tree: SelectionTree, type_: Any, selection: Selection
    ) -> None:
        definition = selection.definition
        related, source = related_of(definition), field_of(definition)
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101 (for the type checker)
        if related is None or source is None or source.extensions:
            raise Fallback("a relation has a permission or another extension")
        self._related = related
        self._field = source
        selected = Selected(tree, selection)
        self._selected = selected.columns
        columns = related.columns(selected.columns) or ()
        compiler = ValueCompiler(tree, selected, columns[len(selected.columns or ()) :])
        self._complete = compiler.rows(selection)
        self._inside = FieldsInside(executor, tree, compiler)
        path = Path(None, selection.name, type_.name)
        self._info = info_of(executor, definition, selection.nodes, type_, path)
        self._parameters = Parameters(
            source,
            definition,
            selection.nodes[0],
            Info(self._info, source),
            hide_suggestions=executor.hide_suggestions,
        )

    async def values(self, run: PlanRun, value: Any) -> Sequence[Any]:
        """Return the completed value for each row."""
        keys = _keys(value, self._related.key)
        distinct = list(dict.fromkeys([key for key in keys if key is not None]))
        owners: Sequence[Any] = ()
        objects: Sequence[Any] = ()
        if distinct:
            choice = self._related.choice(self._arguments(run))
            rows, owners = await self._related.fetch(
                run.context.session, distinct, self._selected, choice
            )
            objects = self._complete(rows, await self._inside.values(run, rows))
        if not self._related.is_list:
            by_key = dict(zip(owners, objects, strict=True))
            return [by_key.get(key) for key in keys]
        lists: dict[Any, list[Any]] = {key: [] for key in keys}
        for owner, each in zip(owners, objects, strict=True):
            if owner in lists:  # the database may take other texts for equal
                lists[owner].append(each)
        return [lists[key] for key in keys]

    def _arguments(self, run: PlanRun) -> dict[str, Any]:
        values: Any = run.variables.coerced
        raw = self._info._replace(context=run.context, variable_values=values)
        _, arguments = self._parameters.given(run.variables, Info(raw, self._field))
        del arguments["info"]
        return arguments


def _rows_of(value: Any) -> Rows | list[Any]:
    """Return the rows of a field's value, which is a list of rows, a connection, or one row.

    Raises:
        Fallback: the value is none of these.
    """
    rows = value.nodes if isinstance(value, Connection) else value
    if isinstance(rows, Rows):
        return rows
    if not isinstance(rows, tuple):
        raise Fallback(NOT_ROWS)
    return [rows]


def _keys(value: Any, columns: tuple[str, ...]) -> list[Any]:
    """Return the keys of a field's rows, as `Rows.keys` does.

    Raises:
        Fallback: the value has no rows.
    """
    rows = _rows_of(value)
    if isinstance(rows, Rows):
        return rows.keys(columns)
    key = tuple([digits_of(getattr(rows[0], name)) for name in columns])
    return [None if None in key else key if len(key) > 1 else key[0]]

"""Relations on the fast path: one statement for each relation, however many rows its objects have.

graphql-core calls a relation's resolver for each object. Here the related rows of all objects are
fetched and completed first; the comprehension of `results` then puts them into their objects.
"""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import Executor, VariableValues

from graph.database.statement import Rows, digits_of
from graph.engine._compiled.arguments import Parameters, info_of
from graph.engine._compiled.results import NOT_ROWS, RESOLVER, RelatedValues, ValueCompiler
from graph.engine.connection import Connection
from graph.engine.context import Context, Info
from graph.engine.definitions import Path, field_of
from graph.engine.fallback import Fallback
from graph.engine.related import related_of
from graph.engine.selection import Selected, Selection, SelectionTree


class RelatedFields:
    """The relations that are selected on the rows of one field.

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
            selection: [RelatedField(executor, tree, selection.type, each) for each in inside]
            for selection, inside in compiler.related.items()
        }

    async def values(
        self, context: Context, variables: VariableValues, value: Any
    ) -> RelatedValues:
        """Return the completed values of the relations, for each row of the field's value.

        Args:
            context: the operation's context.
            variables: its coerced variables.
            value: the field's value.

        Raises:
            Exception: graphql-core must complete them, or report the error.
        """
        if value is None:
            return {}
        return {
            selection: [await field.values(context, variables, value) for field in fields]
            for selection, fields in self._fields.items()
        }


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
        selected = Selected(tree, selection).columns
        columns = related.columns(selected)
        if selected is None or columns is None:
            raise Fallback(RESOLVER)
        self._selected = selected
        compiler = ValueCompiler(tree, columns)
        self._complete = compiler.rows(selection)
        self._inside = RelatedFields(executor, tree, compiler)
        path = Path(None, selection.name, type_.name)
        self._info = info_of(executor, definition, selection.nodes, type_, path)
        self._parameters = Parameters(
            source,
            definition,
            selection.nodes[0],
            Info(self._info, source),
            hide_suggestions=executor.hide_suggestions,
        )

    async def values(
        self, context: Context, variables: VariableValues, value: Any
    ) -> Sequence[Any]:
        """Return the completed value for each row."""
        keys = _keys(value, self._related.key)
        distinct = list(dict.fromkeys([key for key in keys if key is not None]))
        owners: Sequence[Any] = ()
        objects: Sequence[Any] = ()
        if distinct:
            choice = self._related.choice(self._arguments(context, variables))
            rows, owners = await self._related.fetch(
                context.session, distinct, self._selected, choice
            )
            objects = self._complete(rows, await self._inside.values(context, variables, rows))
        if not self._related.is_list:
            by_key = dict(zip(owners, objects, strict=True))
            return [by_key.get(key) for key in keys]
        lists: dict[Any, list[Any]] = {key: [] for key in keys}
        for owner, each in zip(owners, objects, strict=True):
            if owner in lists:  # the database may take other texts for equal
                lists[owner].append(each)
        return [lists[key] for key in keys]

    def _arguments(self, context: Context, variables: VariableValues) -> dict[str, Any]:
        values: Any = variables.coerced
        raw = self._info._replace(context=context, variable_values=values)
        _, arguments = self._parameters.given(variables, Info(raw, self._field))
        del arguments["info"]
        return arguments


def _keys(value: Any, columns: tuple[str, ...]) -> list[Any]:
    """Return the keys of a field's rows.

    Raises:
        Fallback: the value has none.
    """
    rows = value.nodes if isinstance(value, Connection) else value
    if isinstance(rows, Rows):
        return rows.keys(columns)
    if not isinstance(rows, tuple):
        raise Fallback(NOT_ROWS)
    key = tuple([digits_of(getattr(rows, name)) for name in columns])
    return [None if None in key else key if len(key) > 1 else key[0]]

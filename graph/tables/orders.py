"""Orders: input types that sort the rows of a table, derived from its indexed columns."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from sqlalchemy import Table

from graph.engine.definitions import InputContext, replace_input_hook
from graph.errors import BadUserInputError
from graph.tables.columns import has_own_id, searchable_columns
from graph.tables.sql.keys import ID, key_of
from graph.tables.sql.segments import Order, Term, total_order

MAX_TERMS = 3
"""Maximum number of terms in an order."""

T = TypeVar("T", bound="OrderTerm")


@strawberry.enum(description="Sort direction.")
class Direction(Enum):
    """The direction of a term."""

    ASC = strawberry.enum_value("ASC", description="Ascending.")
    DESC = strawberry.enum_value("DESC", description="Descending.")


@strawberry.enum(description="Position of rows without a value.")
class Nulls(Enum):
    """The position of nulls."""

    FIRST = strawberry.enum_value("FIRST", description="Before all other rows.")
    LAST = strawberry.enum_value("LAST", description="After all other rows.")


class OrderTerm:
    """Base class of order terms; `order_input` makes a subclass the input type of a table."""

    if TYPE_CHECKING:  # Strawberry would take `Enum` itself for one of its enums
        field: Enum
        direction: Direction
        nulls: Nulls
        key: tuple[str, ...]

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the columns that an order may have: the sortable ones, and the key."""
        fields: type[Enum] = cls.__annotations__["field"]
        names = [each.value for each in fields if each.value != ID]
        return (*cls.key, *[name for name in names if name not in cls.key])

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms as the database takes them; an id has one for each column of the key."""
        name: str = self.field.value
        names = self.key if name == ID else (name,)
        descending, nulls_first = self.direction is Direction.DESC, self.nulls is Nulls.FIRST
        return tuple([Term(name, descending, nulls_first) for name in names])


def order_input(table: Table, type_: type, *, description: str) -> Callable[[type[T]], type[T]]:
    """Make a class the order input of a table.

    Args:
        table: the table.
        type_: the Strawberry type of its rows; only columns that clients may read are sortable.
        description: the description of the input.
    """

    def decorate(cls: type[T]) -> type[T]:
        names = {ID.upper(): ID} if has_own_id(table, type_) else {}
        names |= {
            each.column.key.upper(): each.column.key for each in searchable_columns(table, type_)
        }
        fields = Enum(f"{cls.__name__}Field", names)  # type: ignore[misc] # (known only now)
        strawberry.enum(fields, description="Sortable fields.")
        own: Any = cls
        own.key = key_of(table).names
        own.__annotations__ = {"field": fields, "direction": Direction, "nulls": Nulls}
        own.field = strawberry.field(description="Field to sort by.")
        own.direction = strawberry.field(default=Direction.ASC, description="Sort direction.")
        own.nulls = strawberry.field(
            default=Nulls.LAST, description="Position of rows without a value."
        )
        strawberry.input(cls, description=description)
        replace_input_hook(cls, _from_input)
        return cls

    return decorate


def _from_input(term: type[T], value: Mapping[str, Any], _: InputContext) -> T:
    """Make a term in Strawberry's hook: its own conversion takes as long as finding five rows."""
    return term(**value)


def order_of(table: Table, terms: Sequence[OrderTerm] | None) -> Order:
    """Return the order of these terms; without any, the order of the primary key.

    Raises:
        BadUserInputError: there are too many terms, or two terms of one field.
    """
    if not terms:
        return total_order(table)
    if len(terms) > MAX_TERMS:
        raise BadUserInputError(f"orderBy must have at most {MAX_TERMS} terms, not {len(terms)}")
    names = [each.field.name for each in terms]
    if len(set(names)) < len(names):
        raise BadUserInputError("orderBy must not have a field twice")
    return total_order(table, tuple([term for each in terms for term in each.terms]))

"""The arguments of a table's root fields: types, names, descriptions and maximums."""

from copy import copy
from typing import Any

import strawberry

from graph.engine.cost import MAXIMUM
from graph.tables.orders import MAX_TERMS

argument: Any = strawberry.argument


class Arguments:
    """The arguments of a table's root fields, for `Annotated[int, HEROES.arguments.limit]`.

    Args:
        one: what a row is, such as `hero`.
        many: the plural.
        most: maximum number of rows that one field reads or writes.
        create: the input for new rows.
        changes: the input of changes.
        where: the filter input.
        order: the order input.
    """

    def __init__(  # noqa: PLR0913 (what a table's inputs are)
        self,
        *,
        one: str,
        many: str,
        most: int,
        create: Any,
        changes: Any,
        where: Any,
        order: Any,
    ) -> None:
        self._many = many
        counted = {"metadata": {MAXIMUM: most}}
        self.id = argument(graphql_type=strawberry.ID, description=f"The {one}'s id.")
        self.offset = argument(
            graphql_type=int, description=f"Number of {many} to skip, 0 or more."
        )
        self.limit = self._limit(most)
        self.where = argument(
            graphql_type=where | None, description=f"Filter; omit it to match all {many}."
        )
        self.order_by = argument(
            graphql_type=list[order] | None,
            description=f"Up to {MAX_TERMS} sort fields; ties are broken by id.",
        )
        self.first = argument(
            graphql_type=int | None,
            description=f"Return at most this many {many} from the start, 0 to {most}.",
            **counted,
        )
        self.after = argument(
            graphql_type=str | None, description=f"Return only {many} after this cursor."
        )
        self.position = argument(
            name="after",
            graphql_type=str | None,
            description="Start after this cursor of changes; omit it to start now.",
        )
        self.last = argument(
            graphql_type=int | None,
            description=f"Return at most this many {many} from the end, 0 to {most}.",
            **counted,
        )
        self.before = argument(
            graphql_type=str | None, description=f"Return only {many} before this cursor."
        )
        self.new = argument(name="input", graphql_type=create, description=f"The new {one}.")
        self.several = argument(
            name="inputs",
            graphql_type=list[create],
            description=f"The new {many}, at most {most}.",
            **counted,
        )
        self.changes = argument(
            name="input",
            graphql_type=changes,
            description="New values; omitted fields stay unchanged.",
        )
        self.expected = argument(
            graphql_type=changes | None,
            description=f"Values that the {one} must still have; otherwise fail with `CONFLICT`.",
        )
        self.matching = argument(
            name="where",
            graphql_type=where,
            description="Filter; must contain at least one comparison.",
        )
        self.at_most = argument(
            graphql_type=int,
            description=f"Maximum number of matches, 1 to {most}; with more, nothing is written.",
            **counted,
        )

    def of_relation(self, most: int) -> "Arguments":
        """Return the same arguments, with another maximum of `limit`."""
        arguments = copy(self)
        arguments.limit = self._limit(most)
        return arguments

    def _limit(self, most: int) -> Any:
        return argument(
            graphql_type=int,
            description=f"Maximum number of {self._many}, 0 to {most}.",
            metadata={MAXIMUM: most},
        )

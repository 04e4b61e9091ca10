"""Limits of documents and variables, checked before validation and coercion."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Token,
    VariableNode,
    parse,
)

from graph.engine.definitions import exceeds_tokens
from graph.engine.selection import has_inner_variables
from graph.errors import Code, PublicError

MAX_ALIAS_LENGTH = 100
"""Maximum length of an alias, which the answer repeats in each row."""

MAX_DEPTH = 20
"""Maximum levels of fields; GraphiQL's introspection query has 15."""

MAX_OBJECTS = 2_000
"""Maximum number of objects and list items in the variables of an operation, or of a batch.
graphql-core takes 5 µs to coerce each, and does it twice if the last one is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of each operation, and of the answers that are saved under idempotency keys."""

    tokens: int
    aliases: int
    rows: int
    cost: int
    answer_bytes: int
    seconds: float
    saved_seconds: int
    """Age at which a saved answer is deleted."""
    saved_bytes: int
    """Bytes of all saved answers of a caller."""


def check_variables(several: Iterable[Mapping[str, Any]]) -> None:
    """Check the size of the variables of an operation, or of a batch, before coercion.

    An object inside a list counts once.

    Raises:
        PublicError: they contain more than `MAX_OBJECTS` objects and list items.
    """
    waiting: list[Any] = [
        value
        for variables in several
        for value in variables.values()
        if isinstance(value, dict | list)
    ]
    count = sum(isinstance(value, dict) for value in waiting) if waiting else 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            count += len(value)
            inner: Collection[Any] = value
        else:
            inner = value.values()
            count += sum(isinstance(each, dict) for each in inner)
        if count > MAX_OBJECTS:
            raise too_complex(
                f"The variables have more than {MAX_OBJECTS} objects and list items, the maximum."
            )
        waiting += [each for each in inner if isinstance(each, dict | list)]


def too_complex(message: str) -> PublicError:
    """Return the error for an exceeded limit."""
    return PublicError(Code.OPERATION_TOO_COMPLEX, message)


class Facts(NamedTuple):
    """What a selection has at all levels; a fragment counts each time it is spread."""

    depth: int = 0
    """Levels of fields."""
    aliases: int = 0
    conditions: frozenset[str] = frozenset()
    """The variables of `@skip` and `@include`."""
    has_inner_variables: bool = False
    """Whether a variable is inside a list or an object."""


NOTHING = Facts()


def parse_within_limits(query: str, most: int) -> DocumentNode:
    """Parse a query text.

    graphql-core takes up to 20 ms for 100 kB, most for a string of many lines.

    Raises:
        GraphQLSyntaxError: it is not valid GraphQL.
        PublicError: it has more than `most` tokens, comments included.
    """
    try:
        document = parse(query, max_tokens=most)
    except GraphQLSyntaxError as error:
        if exceeds_tokens(error, most):
            raise too_complex(f"The document has more than {most} tokens, the maximum.") from None
        raise
    _unlink(document)
    return document


def measured_within_limits(
    document: DocumentNode, limits: Limits
) -> list[tuple[OperationDefinitionNode, Facts]]:
    """Measure the operations of a document, before it is validated.

    Raises:
        PublicError: an operation has too many aliases or levels.
    """
    measure = _Measure(document)
    operations = []
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            try:
                facts = measure.facts(node.selection_set)
            except RecursionError:
                raise too_complex("The document's fragments are nested too deeply.") from None
            if facts.depth > MAX_DEPTH:
                raise too_complex(
                    f"The operation is {facts.depth} levels deep; at most {MAX_DEPTH} are allowed."
                )
            if facts.aliases > limits.aliases:
                raise too_complex(
                    f"The operation has more than {limits.aliases} aliases, the maximum; "
                    "a fragment's aliases count each time it is spread."
                )
            operations.append((node, facts))
    if measure.longest_alias > MAX_ALIAS_LENGTH:
        raise too_complex(f"An alias has more than {MAX_ALIAS_LENGTH} characters.")
    return operations


def _unlink(document: DocumentNode) -> None:
    """Unlink a document's tokens, which are no longer used.

    The doubly linked list would keep the document in memory until a full garbage collection.
    """
    token: Token | None = document.loc.start_token if document.loc else None
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following


class _Measure:
    """Measures selections; each fragment is visited once, however often it is spread.

    It reads the nodes alone, without types: a document must be within the limits before it is
    validated, which takes longer the more levels and aliases it has.
    """

    def __init__(self, document: DocumentNode) -> None:
        self.longest_alias = 0
        self._fragments = {
            node.name.value: node.selection_set
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Facts] = {}

    def facts(self, selections: SelectionSetNode) -> Facts:
        """Return the facts of these selections, following fragments."""
        depth = aliases = 0
        conditions = set[str]()
        has_inner = False
        for node in selections.selections:
            inner = NOTHING
            if isinstance(node, FieldNode):
                if node.selection_set:
                    inner = self.facts(node.selection_set)
                if node.alias:
                    aliases += 1
                    self.longest_alias = max(self.longest_alias, len(node.alias.value))
                depth = max(depth, inner.depth + 1)
                has_inner |= has_inner_variables(node)
            elif isinstance(node, InlineFragmentNode):
                inner = self.facts(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                inner = self._facts_of_fragment(node.name.value)
            depth = max(depth, inner.depth)
            aliases += inner.aliases
            conditions.update(inner.conditions, _conditions(node))
            has_inner |= inner.has_inner_variables
        return Facts(depth, aliases, frozenset(conditions), has_inner)

    def _facts_of_fragment(self, name: str) -> Facts:
        if name not in self._known and name in self._fragments:
            self._known[name] = NOTHING  # ends a cycle, which validation rejects later
            self._known[name] = self.facts(self._fragments[name])
        return self._known.get(name, NOTHING)


def _conditions(node: SelectionNode) -> list[str]:
    """Return the variables of a node's directives."""
    return [
        argument.value.name.value
        for directive in node.directives or ()
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    ]

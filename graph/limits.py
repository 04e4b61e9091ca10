"""What one operation may cost.

A document's limits are checked once, before it is validated; the rows that an operation may
return depend on its variables and are counted before its first resolver runs.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_nullable_type,
    is_list_type,
    parse,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

from graph.errors import Code, PublicError
from graph.queries import MAX_LIMIT
from graph.settings import Settings

MAX_ALIAS_LENGTH = 100
"""Characters of an alias, which the answer repeats in each row."""

# What comparing the fields of one name with each other may cost; graphql-core's own budget is
# half a second of work for a document of 2 kB.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000

LEXEMES = re.compile(
    r'''
    (\#[^\n\r]*+)  # a comment, which is no token
    | """[^"\\]*+(?:(?:\\(?:""")?|"(?!""))[^"\\]*+)*+(?:"""|\Z)
    | "[^"\\\n\r]*+(?:\\.[^"\\\n\r]*+)*+"?
    | [_A-Za-z][_0-9A-Za-z]*+ | -?[0-9][0-9.eE+-]*+ | \.\.\. | [^\s,\ufeff]
    ''',
    re.VERBOSE,
)
"""The lexemes of a document (https://spec.graphql.org/October2021/#sec-Appendix-Grammar-Summary).
No part of it can fail once it began, so that it takes linear time; in what is not GraphQL it may
find more or fewer than there are."""


def has_more_tokens(query: str, most: int) -> bool:
    """Whether a document is over the limit, in a hundredth of the time that parsing takes."""
    if len(query) <= most:
        return False
    tokens = (lexeme for lexeme in LEXEMES.finditer(query) if lexeme.lastindex is None)
    return next(islice(tokens, most, None), None) is not None


def too_complex(message: str) -> PublicError:
    """The error of everything that is over a limit."""
    return PublicError(Code.OPERATION_TOO_COMPLEX, message)


class Measured(NamedTuple):
    """A parsed document, and what a batch adds up over its operations."""

    node: DocumentNode
    tokens: int
    aliases: int


def parse_within_limits(query: str, settings: Settings) -> Measured:
    """The document of a query text.

    Raises:
        GraphQLSyntaxError: it is not GraphQL.
        PublicError: it has too many tokens or aliases, or is nested too deeply.
    """
    if has_more_tokens(query, settings.max_tokens):
        raise too_complex(
            f"The document has more than {settings.max_tokens} tokens, the most allowed."
        )
    document = parse(query)
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    measure = _Measure(fragments)
    try:
        depth = max(
            (
                measure.depth(node.selection_set)
                for node in document.definitions
                if isinstance(node, OperationDefinitionNode)
            ),
            default=0,
        )
    except RecursionError:
        raise too_complex("The document's fragments are nested too deeply.") from None
    if depth > settings.max_depth:
        raise too_complex(
            f"The document is {depth} levels deep; at most {settings.max_depth} are allowed."
        )
    if measure.aliases > settings.max_aliases:
        raise too_complex(
            f"The document has {measure.aliases} aliases; "
            f"at most {settings.max_aliases} are allowed."
        )
    if measure.longest_alias > MAX_ALIAS_LENGTH:
        raise too_complex(f"An alias has more than {MAX_ALIAS_LENGTH} characters.")
    return Measured(document, document.token_count, measure.aliases)


class _Measure:
    """Walks each selection of a document once, however often a fragment is spread."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.aliases = 0
        self.longest_alias = 0
        self._fragments = fragments
        self._depths: dict[str, int] = {}

    def depth(self, selections: SelectionSetNode | None) -> int:
        """Levels of fields below, fragments followed."""
        deepest = depth = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                if node.alias is not None:
                    self.aliases += 1
                    self.longest_alias = max(self.longest_alias, len(node.alias.value))
                depth = 1 + self.depth(node.selection_set)
            elif isinstance(node, InlineFragmentNode):
                depth = self.depth(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                depth = self._depth_of_fragment(node.name.value)
            deepest = max(deepest, depth)
        return deepest

    def _depth_of_fragment(self, name: str) -> int:
        if name not in self._depths and name in self._fragments:
            self._depths[name] = 0  # ends a cycle, which validation refuses
            self._depths[name] = self.depth(self._fragments[name].selection_set)
        return self._depths.get(name, 0)


def check_rows(fields: Iterable[tuple[GraphQLField, dict[str, Any]]], settings: Settings) -> None:
    """Count the rows that root fields with these arguments may return.

    Raises:
        PublicError: there may be more than the settings allow.
    """
    rows = count_rows(fields)
    if rows > settings.max_rows:
        raise too_complex(
            f"The operation asks for {rows} rows; at most {settings.max_rows} are allowed."
        )


def count_rows(fields: Iterable[tuple[GraphQLField, dict[str, Any]]]) -> int:
    """The most rows that root fields with these arguments return."""
    return sum(_rows(field, arguments) for field, arguments in fields)


def _rows(field: GraphQLField, arguments: dict[str, Any]) -> int:
    if not is_list_type(get_nullable_type(field.type)):
        return 1
    # A page that is out of bounds is refused by its resolver, with a better message.
    limit = arguments.get("limit", MAX_LIMIT)
    return limit if 0 <= limit <= MAX_LIMIT else 0

"""Exceptions as a log has them: without what the client sent.

A message may quote it: a driver's the value that it cannot store, Pydantic's the input, anybody's
own whatever they put in. graphql-core's are made for clients, and show the query besides.
"""

import re
from collections.abc import Iterable, Iterator
from traceback import format_tb
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, Source
from graphql.language import Lexer

from graph.engine.limits import STRING
from graph.errors import brief

LITERAL = re.compile(rf"{STRING} | (?<!\w)[0-9][\w.+-]*+", re.VERBOSE)
"""A string or a number in the text of a query; it takes linear time to find them."""

WORD = re.compile(r"\w+")

LEAST_PART = 3
"""Characters of a word that is recognized inside a longer one."""

MAX_LINKS = 20
"""Exceptions of one traceback: each came from the one before it."""


class Private:
    """What a log does not tell: the values of a request, in its query and its variables.

    Args:
        requests: query texts, each with the values of its variables.
    """

    def __init__(self, requests: Iterable[tuple[str, Any]] = ()) -> None:
        values: list[str] = []
        for query, variables in requests:
            values += _literals(query)
            values += _leaves(variables)
        # Many messages quote a value as Python writes it.
        self._text = "\n".join([*values, *map(repr, values)]).casefold()
        self._words = frozenset(WORD.findall(self._text))

    def left_out_of(self, message: str) -> str:
        """The message; each word of it that is in the values, too, is replaced by a mark."""
        return WORD.sub(lambda found: "…" if self._has(found[0]) else found[0], message)

    def _has(self, word: str) -> bool:
        word = word.casefold()
        return word in self._words or (len(word) >= LEAST_PART and word in self._text)


def _literals(query: str) -> Iterator[str]:
    """The strings and numbers in a query, strings as what they stand for."""
    for literal in LITERAL.findall(query):
        try:
            yield Lexer(Source(literal)).advance().value or ""
        except GraphQLSyntaxError:
            yield literal


def _leaves(value: Any) -> Iterator[str]:
    """The names, strings and numbers that a JSON value is made of."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
        else:
            yield str(part)


def described(error: BaseException, private: Private) -> str:
    """The type of an exception, and what of its message may be told."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = "" if isinstance(error, GraphQLError) else brief(str(error))
    return f"{name}: {private.left_out_of(message)}" if message else name


def formatted(error: BaseException, private: Private) -> list[str]:
    """The lines of an exception's traceback, those of what it came from first."""
    links: list[BaseException] = []
    waiting = [error]
    while waiting and len(links) < MAX_LINKS:
        link = waiting.pop()
        if any(link is known for known in links):
            continue
        links.append(link)
        origin = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        waiting += [origin] if origin else []
        waiting += link.exceptions if isinstance(link, BaseExceptionGroup) else []
    lines = []
    for link in reversed(links):
        lines.append("Traceback (most recent call last):")
        lines += "".join(format_tb(link.__traceback__)).splitlines()
        lines.append(described(link, private))
    return lines

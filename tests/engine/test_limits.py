"""Limits of operations: the largest allowed operation and the smallest refused one."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import get_introspection_query

from graph.engine.limits import MAX_ALIAS_LENGTH
from tests.support.client import CREATE, Client
from tests.support.databases import on_sqlite
from tests.support.response_shape import code, labelled

pytestmark = on_sqlite

HERO = {"name": "Deadpond", "secretName": "Dive Wilson"}


def tokens(count: int) -> str:
    """A document with this many tokens: 5 per operation, and more fields in the last."""
    operations = [f"query Q{n} {{ __typename }}" for n in range(count // 5 - 1)]
    return " ".join([*operations, f"query Last {{ {'__typename ' * (count % 5 + 1)} }}"])


def aliases(count: int) -> str:
    return "{" + "".join(f" a{index}: __typename" for index in range(count)) + "}"


def aliases_in_fragments(count: int) -> str:
    """An operation with this many aliases: one in a field, others in a fragment spread twice."""
    fields = "".join(f" a{index}: id" for index in range((count - 1) // 2))
    once = "" if count % 2 else " b: id"
    return f"{{ a: heroes {{ ...F ...F{once} }} }} fragment F on Hero {{ {fields} id }}"


def depth(levels: int) -> str:
    fields = "__schema { types "
    fields += "{ ofType " * (levels - 3) + "{ name }" + " }" * (levels - 3)
    return f"{{ {fields} }} }}"


def depth_by_fragments(levels: int) -> str:
    chain = "".join(
        f" fragment F{index} on __Type {{ ofType {{ ...F{index + 1} }} }}"
        for index in range(levels - 3)
    )
    return (
        f"{{ __schema {{ types {{ ...F0 }} }} }}{chain} fragment F{levels - 3} on __Type {{ name }}"
    )


def rows(count: int) -> str:
    pages = [
        f"a{start}: heroes(limit: 100) {{ id }}" for start in range(0, count - count % 100, 100)
    ]
    return "{" + " ".join([*pages, f"last: heroes(limit: {count % 100}) {{ id }}"]) + "}"


def fields(count: int) -> str:
    """An operation whose answer has this many fields."""
    more = " ".join(f"f{n}: __typename" for n in range(count - 401))
    return f"{{ heroes {{ id name age secretName }} {more} }}"


def fields_of_introspection(count: int) -> str:
    """An introspection of this cost: each field below the root counts twice."""
    more = "".join(f" f{n}: __typename" for n in range((count - 1) % 2))
    inner = " ".join(f"f{n}: __typename" for n in range((count - 1) // 2))
    return f"{{ __schema {{ {inner} }} {more} }}"


def alias_of(length: int) -> str:
    return "{ " + "a" * length + ": __typename }"


EDGES = [
    ({}, tokens, 1_000),
    ({"max_tokens": 10}, tokens, 10),
    ({}, aliases, 15),
    ({"max_aliases": 0}, aliases, 0),
    ({"max_aliases": 3}, aliases_in_fragments, 3),
    ({}, depth, 20),
    ({}, depth_by_fragments, 20),
    ({}, rows, 1_000),
    ({"max_rows": 150}, rows, 150),
    ({"max_cost": 405}, fields, 405),
    ({"max_cost": 12}, fields_of_introspection, 12),
    ({}, alias_of, MAX_ALIAS_LENGTH),
]


@pytest.mark.parametrize(("given_settings", "document", "most"), EDGES)
@pytest.mark.parametrize("fast", [True, False])
def test_the_largest_allowed_operation(
    serve: Callable[..., Client],
    given_settings: dict[str, Any],
    document: Callable[[int], str],
    most: int,
    fast: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    api = serve(fast_execution=fast, **given_settings)
    name = "Last" if document is tokens else None
    if most > 0:
        response = api.post({"query": document(most), "operationName": name})
        assert "errors" not in labelled(response)
    response = api.post({"query": document(most + 1), "operationName": name})
    assert code(response) == "OPERATION_TOO_COMPLEX"


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_the_largest_allowed_body(serve: Callable[..., Client], size: int) -> None:
    api = serve(max_body_bytes=size)
    for length, status in ((size, 200), (size + 1, 413)):
        content = b'{"query": "{ __typename }"}'.ljust(length)
        for sent in (content, iter([content[:500], content[500:]])):  # declared, and chunked
            response = api.http.post(
                "/graphql", content=sent, headers={"content-type": "application/json"}
            )
            assert response.status_code == status
            labelled(response)


def test_variables_count_towards_the_rows(shared: Client) -> None:
    query = "query($a: Int!) {" + "".join(f" a{n}: heroes(limit: $a) {{ id }}" for n in range(15))
    for limit, refused in ((66, False), (67, True)):
        response = shared.post({"query": f"{query} }}", "variables": {"a": limit}})
        assert ("errors" in labelled(response)) == refused
    assert code(response) == "OPERATION_TOO_COMPLEX"


def test_introspection_is_within_the_limits(shared: Client) -> None:
    for options in ({}, {"specified_by_url": True, "schema_description": True}):
        query = get_introspection_query(
            directive_is_repeatable=True, input_value_deprecation=True, **options
        )
        assert "errors" not in labelled(shared.post({"query": query}))


@pytest.mark.parametrize(
    "query",
    [
        "{" + " heroes { id }" * 240 + " }",
        "{ heroes {" + " name" * 990 + " } }",
        "{" + " ... { heroes { name } }" * 140 + " }",
        "{ heroes { ...F0 } }"
        + "".join(f" fragment F{n} on Hero {{ ...F{n + 1} ...F{n + 2} name }}" for n in range(90))
        + " fragment F90 on Hero { id } fragment F91 on Hero { id }",
    ],
    ids=["root", "leaves", "inline", "fragments"],
)
def test_comparing_fields_of_the_same_name_is_limited(shared: Client, query: str) -> None:
    response = shared.post({"query": query})
    body = labelled(response)
    if "errors" in body:
        assert code(response) == "OPERATION_TOO_COMPLEX"


def test_the_same_field_in_many_fragments_is_allowed(shared: Client) -> None:
    fragments = [f"fragment F{n} on Hero {{ id name age }}" for n in range(50)]
    spreads = " ".join(f"...F{n}" for n in range(50))
    query = f"{{ heroes {{ {spreads} }} }} {' '.join(fragments)}"
    assert "errors" not in labelled(shared.post({"query": query}))


def test_long_chains_and_cycles_of_fragments_are_refused(serve: Callable[..., Client]) -> None:
    api = serve(max_tokens=100_000, max_body_bytes=1_000_000)
    chain = "".join(f" fragment F{n} on Hero {{ ...F{n + 1} }}" for n in range(5_000))
    query = f"{{ heroes {{ ...F0 }} }}{chain} fragment F5000 on Hero {{ id }}"
    assert code(api.post({"query": query})) == "OPERATION_TOO_COMPLEX"
    cycle = "{ heroes { ...A } } fragment A on Hero { ...B } fragment B on Hero { ...A }"
    assert code(api.post({"query": cycle})) == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "limit", ["max_rows", "max_cost", "max_aliases", "max_tokens", "max_answer_bytes"]
)
def test_nothing_runs_before_the_limits_are_checked(
    serve: Callable[..., Client], limit: str
) -> None:
    api = serve(**{limit: 1})
    first = CREATE.replace("createHero", "a: createHero", 1)
    query = first.rsplit("}", 1)[0] + "b: createHero(input: $input) { id } }"
    response = api.post({"query": query, "variables": {"input": HERO}})
    assert code(response) == "OPERATION_TOO_COMPLEX"
    relaxed = serve()
    assert relaxed.heroes() == []
    assert "errors" not in labelled(
        relaxed.post({"query": query, "variables": {"input": HERO}})
    )  # only the number was refused


@pytest.mark.parametrize(("comments", "refused"), [(995, False), (996, True)])
def test_comments_are_tokens(shared: Client, comments: int, *, refused: bool) -> None:
    response = shared.post({"query": "#\n" * comments + "{ a: __typename }"})
    assert ("errors" in labelled(response)) == refused
    assert not refused or code(response) == "OPERATION_TOO_COMPLEX"


def test_a_text_like_the_limits_message_is_a_syntax_error(shared: Client) -> None:
    query = '"Document contains more than 1000 tokens. Parsing aborted."'
    assert code(shared.post({"query": query})) == "GRAPHQL_PARSE_FAILED"

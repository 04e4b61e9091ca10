"""Internal errors are logged with type, code and frames, but without values of requests."""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLError, Source, SourceLocation, parse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import StatementError

from graph.database.base import DatabaseError
from graph.errors import BadUserInputError, NotFoundError, ServiceUnavailableError, logger
from graph.observe import logs
from graph.observe.tracebacks import MAX_FRAMES, described, formatted
from tests.support.client import CREATE, Client
from tests.support.databases import Sql, on_sqlite

PRIVATE = "Pedro Parqueador"
LITERAL = f'mutation {{ createHero(input: {{name: "{PRIVATE}", secretName: "x"}}) {{ id }} }}'

Log = Callable[[], str]


@pytest.fixture(params=[logs.TextFormatter, logs.JSONFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """Returns the log of a request in each format, once it has the request's line."""
    queue = SimpleQueue[logging.LogRecord]()
    handler = QueueHandler(queue)
    handler.setFormatter(request.param())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def written() -> str:
        lines: list[str] = []
        while not any(" request operation=" in line or '"request"' in line for line in lines):
            lines.append(queue.get(timeout=60).getMessage())
        return "\n".join(lines)

    yield written
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    "request_",
    [
        {"query": CREATE, "variables": {"input": {"name": PRIVATE, "secretName": PRIVATE}}},
        {"query": LITERAL},
    ],
)
def test_a_changed_table_is_logged_without_values(
    api: Client, sql: Sql, log: Log, request_: dict[str, Any]
) -> None:
    sql("ALTER TABLE hero RENAME TO heroes")
    sql("CREATE TABLE hero (id INTEGER, name TEXT, age INT)")
    (error,) = api.post(request_).json()["errors"]
    written = log()
    assert error["extensions"]["errorId"] in written
    assert "OperationalError [SQLITE_ERROR]" in written or "UndefinedColumnError [42703]" in written
    assert not set(PRIVATE.split()) & set(written.replace(".", " ").replace(",", " ").split())
    assert PRIVATE not in written


def located(_: object) -> Exception:
    """graphql-core's error, whose text contains the query."""
    source = Source(f'{{ hero(id: "{PRIVATE}") {{ id }} }}')
    error = GraphQLError(f"Wrong: {PRIVATE}", parse(source).definitions[0])
    assert error.locations == [SourceLocation(1, 1)]
    return error


def invalid(value: object) -> Exception:
    """Pydantic's error, whose text contains the input."""
    try:
        TypeAdapter(dict[str, int]).validate_python({"a": value})
    except ValidationError as error:
        return error
    raise AssertionError


def caused(value: object) -> Exception:
    """An error with causes whose texts contain the value."""
    error = ValueError(f"no {value}")
    error.__cause__ = ExceptionGroup("several", [TypeError(value)])
    error.__cause__.__context__ = KeyError(value)
    return error


@on_sqlite
@pytest.mark.parametrize(
    "raised",
    [
        lambda value: RuntimeError(f"broken: cannot greet {value}, sorry"),
        lambda value: ValueError(f"broken:{value!r}"),
        lambda value: StatementError("broken", "INSERT …", {"name": value}, ValueError(value)),
        KeyError,
        located,
        invalid,
        caused,
    ],
)
@pytest.mark.parametrize(
    "request_",
    [
        ("query ($a: ID!) { hero(id: $a) { id } }", {"a": PRIVATE}),
        ("{ __typename }", {"unused": {"deep": [{PRIVATE: [7]}]}}),
        (f'{{ hero(id: "{PRIVATE}") {{ id }} }}', {}),
        (r'{ hero(id: "\u0050edro Parque\u{61}dor") { id } }', {}),
        (f'{{ hero(id: """\n{PRIVATE}\n""") {{ id }} }}', {}),
    ],
)
def test_a_message_that_may_quote_the_request_is_not_logged(
    api: Client,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    raised: Callable[[str], Exception],
    request_: tuple[str, dict[str, Any]],
) -> None:
    query, variables = request_

    async def fail(*_: object) -> None:
        raise raised(PRIVATE)

    monkeypatch.setattr("graph.engine.service.Service._transact", fail)
    (error,) = api.post({"query": query, "variables": variables}).json()["errors"]
    written = log()
    assert error["extensions"]["errorId"] in written
    assert "Traceback (most recent call last):" in written
    assert "in fail" in written
    assert "Pedro" not in written
    assert "Parqueador" not in written
    assert query not in written


def with_code(error: sqlite3.Error, code: int) -> sqlite3.Error:
    """An error as SQLite raises it."""
    error.sqlite_errorcode, error.sqlite_errorname = code, f"SQLITE_{code}"
    return error


class ElsewhereError(OSError):
    """An error of another library, whose message may contain a URL."""


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file", "/srv/database.db"),
        TimeoutError("other long reads took 5 s"),
        DatabaseError("cannot open it"),
        ServiceUnavailableError("It is away."),
        asyncpg.TooManyConnectionsError("too many clients"),
        asyncpg.InsufficientPrivilegeError("permission denied"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.InvalidCatalogNameError("there is no such database"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"),
        asyncpg.InterfaceError("the connection is closed"),
        with_code(sqlite3.OperationalError("disk full"), sqlite3.SQLITE_FULL),
        with_code(sqlite3.OperationalError("disk I/O error"), sqlite3.SQLITE_IOERR_FSYNC),
    ],
    ids=repr,
)
def test_messages_that_operators_need_are_logged(error: Exception) -> None:
    assert described(error).endswith(f": {error}")


@pytest.mark.parametrize(
    "error",
    [
        ElsewhereError(PRIVATE),
        BadUserInputError(PRIVATE),
        NotFoundError(PRIVATE),
        asyncpg.DataError(PRIVATE),
        asyncpg.UniqueViolationError(PRIVATE),
        asyncpg.RaiseError(PRIVATE),
        asyncpg.exceptions._base.DataError(PRIVATE),  # noqa: SLF001 (it has no public name)
        sqlite3.ProgrammingError(PRIVATE),
        with_code(sqlite3.OperationalError(PRIVATE), sqlite3.SQLITE_ERROR),
        with_code(sqlite3.IntegrityError(PRIVATE), sqlite3.SQLITE_CONSTRAINT_TRIGGER),
    ],
    ids=repr,
)
def test_an_error_that_may_quote_a_value_is_logged_by_type_and_code(error: Exception) -> None:
    written = described(error)
    assert type(error).__name__ in written
    assert "Pedro" not in written
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    assert code is None or f"[{code}]" in written


def test_the_exception_of_a_task_that_is_never_awaited_is_redacted() -> None:
    error = ValueError(PRIVATE)
    record = logging.getLogger("asyncio").makeRecord(
        "asyncio",
        logging.ERROR,
        "",
        0,
        f"Task exception was never retrieved\nfuture: <Task exception={error!r}>",
        (),
        (type(error), error, None),
    )
    written = logs.TextFormatter().format(record)
    assert "Task exception was never retrieved" in written
    assert "ValueError" in written
    assert PRIVATE not in written


def test_a_traceback_has_the_innermost_frames() -> None:
    def deeper(levels: int) -> None:
        shallower(levels - 1) if levels else fail()

    def shallower(levels: int) -> None:
        deeper(levels)

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError) as raised:
        deeper(200)
    lines = formatted(raised.value)
    assert sum("  File " in line for line in lines) == MAX_FRAMES
    assert "in fail" in lines[-3]


@on_sqlite
@pytest.mark.parametrize("default", ["true", "false"])
@pytest.mark.parametrize(
    "selections",
    [
        "__schema { types { fields(includeDeprecated: $v) { name } } }",
        "__typename @skip(if: $v)",
        "hero(id: 1) @include(if: $v) { id }",
        "hero(id: 1) { id @skip(if: $v) name }",
        "... @skip(if: $v) { __typename } hero(id: 2) { id }",
    ],
)
def test_a_client_error_is_not_logged_as_internal(
    api: Client, log: Log, selections: str, default: str
) -> None:
    request = {
        "query": f"query ($v: Boolean = {default}) {{ {selections} }}",
        "variables": {"v": None},
    }
    for _ in range(2):  # whether or not the operation is prepared
        api.create("Deadpond")
        log()
        codes = {error["extensions"]["code"] for error in api.post(request).json()["errors"]}
        assert codes == {"BAD_USER_INPUT"}
        written = log()
        assert "BAD_USER_INPUT" in written
        lines = [line for line in written.splitlines() if "graphql-core executes" not in line]
        assert len(lines) == 1


CONTROLS = "\x00\x07\x1b[2J\x7f\x9b\r\n\u2028\u202e\u2066\ud800"


@pytest.mark.parametrize("formatter", [logs.TextFormatter(), logs.JSONFormatter()])
def test_no_line_has_control_characters(formatter: logging.Formatter) -> None:
    error = OSError(CONTROLS)
    record = logger.makeRecord(
        "graph", logging.ERROR, "", 0, "%s %s", (CONTROLS, error), (type(error), error, None)
    )
    written = formatter.format(record)
    assert not set(CONTROLS) - set("[2J\n") & set(written)
    assert "[2J" in written
    if isinstance(formatter, logs.JSONFormatter):
        line = json.loads(written)
        assert line["message"] == f"{CONTROLS} OSError: {CONTROLS}"
    else:
        first, *traceback = written.splitlines()
        assert r"\x00\x07\x1b[2J\x7f\x9b\r\n\u2028\u202e\u2066\ud800 OSError: \x00" in first
        assert traceback[0] == "Traceback (most recent call last):"
        assert len(traceback) == 2

"""What PostgreSQL's errors say of a statement that commits by itself."""

from typing import Any
from unittest.mock import Mock

import asyncpg
import pytest

from graph.database.postgres.errors import is_outcome_unknown, is_unavailable


@pytest.mark.parametrize(
    ("severity", "code", "closed", "expected"),
    [
        ("ERROR", "23505", False, False),
        ("FATAL", "57P01", True, False),  # the server tells, and then closes
        ("FATAL", "08P01", False, True),  # a pooler has lost the server
        ("ERROR", "58000", False, True),
        (None, "08003", True, True),  # the driver has lost the connection
        (None, "22000", False, False),  # and would not send a value
    ],
)
def test_which_errors_leave_it_open_what_was_committed(
    severity: str | None, code: str, *, closed: bool, expected: bool
) -> None:
    fields = {"C": code, "M": "of a test"} | ({"S": severity, "V": severity} if severity else {})
    raw: Any = Mock(**{"is_closed.return_value": closed})
    assert is_outcome_unknown(asyncpg.PostgresError.new(fields), raw) is expected


@pytest.mark.parametrize(("code", "expected"), [("57P01", False), ("08P01", True)])
def test_what_the_server_said_as_it_closed_the_connection(code: str, *, expected: bool) -> None:
    error = asyncpg.ConnectionDoesNotExistError("connection was closed")
    error.__cause__ = asyncpg.PostgresError.new({"C": code, "M": "of a test", "S": "FATAL"})
    raw: Any = Mock(**{"is_closed.return_value": True})
    assert is_outcome_unknown(error, raw) is expected


def test_a_connection_that_failed_while_it_was_idle() -> None:
    """The server has said goodbye, and the connection is not closed yet."""
    error = asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is …")
    raw: Any = Mock(**{"is_closed.return_value": False})
    assert is_unavailable(error)
    assert not is_outcome_unknown(error, raw)
    assert not is_unavailable(asyncpg.InternalClientError("no decoder for OID 1"))

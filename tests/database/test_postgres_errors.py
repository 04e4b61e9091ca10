"""Which errors of PostgreSQL leave the outcome of an autocommitted statement unknown."""

from typing import Any
from unittest.mock import Mock

import asyncpg
import pytest

from graph.database.postgres.errors import is_outcome_unknown, is_unavailable


@pytest.mark.parametrize(
    ("severity", "code", "closed", "expected"),
    [
        ("ERROR", "23505", False, False),
        ("FATAL", "57P01", True, False),  # the server reports it, and closes
        ("FATAL", "08P01", False, True),  # a pooler lost the server
        ("ERROR", "58000", False, True),
        (None, "08003", True, True),  # the driver lost the connection
        (None, "22000", False, False),  # the driver rejected a value
    ],
)
def test_which_errors_leave_the_outcome_unknown(
    severity: str | None, code: str, *, closed: bool, expected: bool
) -> None:
    fields = {"C": code, "M": "of a test"} | ({"S": severity, "V": severity} if severity else {})
    raw: Any = Mock(**{"is_closed.return_value": closed})
    assert is_outcome_unknown(asyncpg.PostgresError.new(fields), raw) is expected


@pytest.mark.parametrize(("code", "expected"), [("57P01", False), ("08P01", True)])
def test_the_servers_last_message_decides_the_outcome(code: str, *, expected: bool) -> None:
    error = asyncpg.ConnectionDoesNotExistError("connection was closed")
    error.__cause__ = asyncpg.PostgresError.new({"C": code, "M": "of a test", "S": "FATAL"})
    raw: Any = Mock(**{"is_closed.return_value": True})
    assert is_outcome_unknown(error, raw) is expected


def test_an_error_of_an_idle_connection_has_a_known_outcome() -> None:
    """The server has sent its last message, but the connection is not closed yet."""
    error = asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is …")
    raw: Any = Mock(**{"is_closed.return_value": False})
    assert is_unavailable(error)
    assert not is_outcome_unknown(error, raw)
    assert not is_unavailable(asyncpg.InternalClientError("no decoder for OID 1"))

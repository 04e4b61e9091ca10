"""Settings out of their bounds are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from graph.settings import Settings

BOUNDS: list[tuple[str, Any, Any]] = [
    ("database_timeout", 60, 60.1),
    ("database_timeout", 0.001, 0),
    ("request_timeout", 600, 600.1),
    ("request_timeout", 0.001, 0),
    ("shutdown_timeout", 600, 601),
    ("shutdown_timeout", 1, 0),
    ("max_body_bytes", 100_000_000, 100_000_001),
    ("max_body_bytes", 1, 0),
    ("max_tokens", 100_000, 100_001),
    ("max_tokens", 1, 0),
    ("max_aliases", 10_000, 10_001),
    ("max_aliases", 0, -1),
    ("max_rows", 1_000_000, 1_000_001),
    ("max_rows", 1, 0),
    ("max_cost", 100_000_000, 100_000_001),
    ("max_cost", 1, 0),
    ("max_answer_bytes", 1_000_000_000, 1_000_000_001),
    ("max_answer_bytes", 1, 0),
    ("idempotency_hours", 8_760, 8_761),
    ("idempotency_hours", 1, 0),
]


@pytest.mark.parametrize(("name", "last", "first"), BOUNDS)
def test_a_setting_has_bounds(name: str, last: object, first: object) -> None:
    assert getattr(Settings(**{name: last}), name) == last  # type: ignore[arg-type] # (of any type)
    with pytest.raises(ValidationError):
        Settings(**{name: first})  # type: ignore[arg-type] # (of any type)

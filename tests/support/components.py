"""What a test needs of the machine, beyond Python."""

import os

import pytest


def require(condition: bool, reason: str) -> None:  # noqa: FBT001 (a condition is what it takes)
    """Skip the test where a component is missing; in CI, where all must be there, fail it."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

"""Components of the machine that a test needs beside Python."""

import os

import pytest


def require(condition: bool, reason: str) -> None:  # noqa: FBT001 (a condition)
    """Skip the test if a component is missing; in CI, fail it."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

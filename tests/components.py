"""What a test needs of the machine that it runs on."""

import os

import pytest


def require(condition: bool, reason: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """Skip the test when a component is missing; in CI, where none may be, fail it."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

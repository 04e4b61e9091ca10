"""Chromium, for the tests that need a real browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["Browser", "Page", "chromium", "expect"]

CHROMIUM = shutil.which("chromium")
if not os.environ.get("CI"):  # There, what is missing is a failure.
    pytest.importorskip("playwright", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed", allow_module_level=True)

# Only once it is known to be there.
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

# No sandbox: root, as in a container, has none. The rest keeps Chromium itself off the network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)

"""SQLite's file, as the system and other programs see it."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from tests.support.client import Client


def fill_and_back_up(api: Client, file: Path) -> tuple[Path, Path]:
    """A copy with 5 heroes, and another name of the file, which has 30 more in its log."""
    backup, old = file.with_suffix(".backup"), file.with_suffix(".old")
    for _ in range(5):
        api.create("Backed up")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"VACUUM INTO '{backup}'")
    for _ in range(30):
        api.create("Too late")
    old.hardlink_to(file)
    return backup, old


def names(file: Path) -> list[str]:
    """The names in a file that is whole."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [name for (name,) in connection.execute("SELECT name FROM hero ORDER BY id")]


def has_open(pid: int, file: Path) -> bool:
    """Whether a process has the file open."""
    descriptors = Path(f"/proc/{pid}/fd").iterdir()
    with suppress(FileNotFoundError):  # one was closed meanwhile, or all
        return any(descriptor.readlink() == file for descriptor in descriptors)
    return False

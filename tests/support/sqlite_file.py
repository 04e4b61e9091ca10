"""SQLite's file, without a service."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.client import Client


def fill_and_back_up(api: Client, file: Path) -> tuple[Path, Path]:
    """Paths of a copy with 5 heroes, and of a hard link to the file, whose log has 30 more."""
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
    """Names of the heroes in a file, which must be intact."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [name for (name,) in connection.execute("SELECT name FROM hero ORDER BY id")]


def count_open(file: Path, pid: int | None = None) -> int:
    """How often a process, or else this one, has the file open."""
    opened = [os.path.realpath(each) for each in Path(f"/proc/{pid or 'self'}/fd").glob("*")]
    return opened.count(os.path.realpath(file))

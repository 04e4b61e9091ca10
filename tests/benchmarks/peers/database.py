"""The engine of the peers that use SQLModel, with the service's durability."""

import os
from typing import Any

from sqlalchemy import event
from sqlmodel import create_engine

url = os.environ["DATABASE_URL"]
is_sqlite = url.startswith("sqlite")

engine = create_engine(url, connect_args={"check_same_thread": False} if is_sqlite else {})

if is_sqlite:

    @event.listens_for(engine, "connect")
    def set_durability(connection: Any, _record: object) -> None:
        """Use a write-ahead log that is synced at each commit, as the service does."""
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

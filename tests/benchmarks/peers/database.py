"""The engine of the peers that use SQLModel, as durable as the service's own."""

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
        """Set what the service sets too: a write-ahead log, synced at each commit."""
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

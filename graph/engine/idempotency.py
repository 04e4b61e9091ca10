"""Answers that are kept under the keys of clients, so that what is sent again is executed once.

An answer is stored in the transaction of its own operation: whatever happens to that, there are
either both or neither. The key is stored first, which makes whoever has the same one wait: SQLite
has one writer, and on PostgreSQL a unique key that another transaction has stored is waited for.
"""

import json
from hashlib import sha256
from importlib import import_module
from time import time
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from graph.database.base import Session
from graph.database.statement import Statement
from graph.errors import BadUserInputError
from graph.settings import Settings

METADATA = MetaData()

ANSWERS = Table(
    "hero_graph_answer",
    METADATA,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), Identity(), primary_key=True),
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("data", LargeBinary),
    Column("extensions", LargeBinary),
    UniqueConstraint("caller", "key", name="hero_graph_answer_of_key"),
)
"""Anonymous callers have the empty name. There is no data while the operation is executed."""

FORGOTTEN = 4
"""Answers that are looked at, the oldest first, to be forgotten whenever one is added."""


class Key(NamedTuple):
    """A client's key, whose it is, and what it stands for."""

    caller: str
    key: str
    digest: bytes


class Kept(NamedTuple):
    """A kept answer: JSON texts."""

    data: bytes
    extensions: bytes | None


def digest(query: str, operation: str | None, variables: dict[str, Any]) -> bytes:
    """What tells one request from another; the order of variables does not."""
    return sha256(json.dumps([query, operation, variables], sort_keys=True).encode()).digest()


def _under(caller: str = "caller", key: str = "key") -> tuple[Any, ...]:
    """The row of a key, by the parameters with these names."""
    return ANSWERS.c.caller == bindparam(caller), ANSWERS.c.key == bindparam(key)


_expired = ANSWERS.c.created <= bindparam("expired", type_=BigInteger)

FIND = Statement(
    select(ANSWERS.c.digest, ANSWERS.c.created, ANSWERS.c.data, ANSWERS.c.extensions).where(
        *_under()
    )
)

KEEP = Statement(
    update(ANSWERS)
    .where(*_under("the_caller", "the_key"))
    .values(data=bindparam("data"), extensions=bindparam("extensions"))
    .returning(ANSWERS.c.id)
)

FORGET = Statement(delete(ANSWERS).where(*_under(), _expired).returning(ANSWERS.c.id))

# The oldest first, found at the start of the index; what others are forgetting is left to them.
_oldest = select(ANSWERS.c.id).order_by(ANSWERS.c.id).limit(FORGOTTEN)
_too_many = ANSWERS.c.id <= select(func.max(ANSWERS.c.id)).scalar_subquery() - bindparam(
    "most", type_=BigInteger
)
FORGET_OLDEST = Statement(
    delete(ANSWERS)
    .where(
        ANSWERS.c.id.in_(
            select(ANSWERS.c.id)
            .where(ANSWERS.c.id.in_(_oldest), or_(_expired, _too_many))
            .with_for_update(skip_locked=True)
        )
    )
    .returning(ANSWERS.c.id)
)


class Answers:
    """The kept answers of a database.

    Args:
        dialect: the database's.
        settings: how long they are kept, and how many.
    """

    def __init__(self, dialect: Dialect, settings: Settings) -> None:
        insert = import_module(f"sqlalchemy.dialects.{dialect.name}").insert
        self._claim = Statement(
            insert(ANSWERS).on_conflict_do_nothing().returning(ANSWERS.c.id),
            values=("caller", "key", "digest", "created"),
        )
        self._seconds = settings.idempotency_hours * 3600
        self._most = settings.idempotency_keys

    async def claim(self, session: Session, key: Key) -> Kept | None:
        """The answer that is kept under a key; else None, and the key is the session's to `keep`.

        It waits for another transaction with this key.

        Raises:
            BadUserInputError: it is the key of another request.
        """
        now = int(time())
        expired = now - self._seconds
        row = {"caller": key.caller, "key": key.key}
        while not await session.fetch(self._claim, **row, digest=key.digest, created=now):
            found = (await session.fetch(FIND, **row)).first()
            if found is not None and found.created > expired:
                if found.digest != key.digest:
                    raise BadUserInputError("This idempotency key was used for another request.")
                return Kept(found.data, found.extensions)
            await session.fetch(FORGET, **row, expired=expired)
        await session.fetch(FORGET_OLDEST, expired=expired, most=self._most)
        return None

    async def keep(self, session: Session, key: Key, answer: Kept) -> None:
        """Store the answer under a key that was claimed in the same transaction."""
        row = {"the_caller": key.caller, "the_key": key.key}
        await session.fetch(KEEP, **row, **answer._asdict())

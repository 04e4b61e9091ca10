"""Answers saved under the keys of clients, so that a mutation that is sent again is executed once.

An answer is saved in the transaction of its mutation: both are stored, or neither is. The key is
claimed first, so that a second request with it waits: SQLite has one writer, and PostgreSQL waits
for a transaction that has inserted the same unique key.

Bounds are held beside the requests. Each process counts what it saves itself, and from time to time
reads how much there is of each caller, so no request has to.
"""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from hashlib import sha256
from importlib import import_module
from time import time
from typing import Any, NamedTuple, Self

from sqlalchemy import (
    BigInteger,
    Column,
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
    select,
)

from graph.database.base import Change, Database, Session
from graph.database.statement import Rows, Statement
from graph.engine.limits import too_complex
from graph.errors import BadUserInputError, logger
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

PERIOD = 600.0
"""Seconds between two searches for answers to forget, where little is saved meanwhile."""

CHUNK = 500
"""Answers that are looked at in one statement; it takes a few milliseconds."""

PAUSE = 0.02
"""Seconds between two chunks, in which others use the database."""

NEWER_THAN_ALL = 2**63 - 1
"""An id that no answer has."""

OVERHEAD = 100
"""Bytes that an answer takes besides its key and its texts."""


class Key(NamedTuple):
    """A client's key, whose it is, and what it stands for."""

    caller: str
    key: str
    digest: bytes


CLAIMED = (*Key._fields, "created")
"""The columns of a row without its answer: of a key while its mutation is executed."""


class SavedAnswer(NamedTuple):
    """An answer, as JSON texts."""

    data: bytes
    extensions: bytes | None

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.data) + len(self.extensions or b"")


def digest(query: str, operation: str | None, variables: dict[str, Any]) -> bytes:
    """What tells one request from another; the order of variables does not.

    Raises:
        PublicError: the variables are nested too deeply.
    """
    try:
        text = json.dumps([query, operation, variables], sort_keys=True)
    except RecursionError:
        raise too_complex("The variables are nested too deeply for an idempotency key.") from None
    return sha256(text.encode()).digest()


_under = (ANSWERS.c.caller == bindparam("caller"), ANSWERS.c.key == bindparam("key"))
_expired = ANSWERS.c.created <= bindparam("expired", type_=BigInteger)

# Locked, so that the commit waits for the synchronous standby. Of an operation that was cut short
# while it waited, a primary that is cut off has an answer which the next one may not have.
FIND = Statement(
    select(ANSWERS.c.digest, ANSWERS.c.created, ANSWERS.c.data, ANSWERS.c.extensions)
    .where(*_under)
    .with_for_update(read=True)
)

FORGET = Statement(delete(ANSWERS).where(*_under, _expired).returning(ANSWERS.c.id))

_size = func.length(ANSWERS.c.key, type_=BigInteger) + func.length(ANSWERS.c.data)
_size += func.coalesce(func.length(ANSWERS.c.extensions), 0) + OVERHEAD
NEWEST = Statement(
    select(ANSWERS.c.id, ANSWERS.c.caller, ANSWERS.c.created, _size.label("size"))
    .where(ANSWERS.c.id < bindparam("before", type_=BigInteger))
    .order_by(ANSWERS.c.id.desc())
    .limit(CHUNK)
)

# Those that another process is forgetting are left to it.
_these = select(ANSWERS.c.id).where(
    ANSWERS.c.id.in_(bindparam("ids", type_=BigInteger, expanding=True))
)
FORGET_THESE = Statement(
    delete(ANSWERS)
    .where(ANSWERS.c.id.in_(_these.with_for_update(skip_locked=True)))
    .returning(ANSWERS.c.id)
)


class SavedAnswers:
    """The saved answers of a database.

    Args:
        database: what they are in.
        settings: for how long they are kept, how many, and of what size.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        insert = import_module(f"sqlalchemy.dialects.{database.dialect.name}").insert(ANSWERS)
        self._claim = Statement(
            insert.on_conflict_do_nothing().returning(ANSWERS.c.id), values=CLAIMED
        )
        # An UPDATE would let PostgreSQL choose how to find the row; this takes the unique index.
        texts = {name: insert.excluded[name] for name in SavedAnswer._fields}
        saved = insert.on_conflict_do_update(index_elements=["caller", "key"], set_=texts)
        self._save = Statement(saved.returning(ANSWERS.c.id), values=(*CLAIMED, *texts))
        self._database = database
        self._seconds = settings.idempotency_hours * 3600
        self._most = settings.idempotency_keys
        self._most_bytes = settings.idempotency_bytes
        self._largest = settings.idempotency_answer_bytes
        self._saved = 0
        self._saved_bytes = 0
        self._due = asyncio.Event()

    def once(self, session: Session, key: Key | None, *, scans: bool) -> "Once":
        """A transaction that executes a mutation, unless its key says that it was executed.

        Args:
            session: what the transaction is of.
            key: the client's, if it gave one.
            scans: whether the mutation may scan (`Session.start`).
        """
        return Once(self, session, key, scans=scans)

    async def claim(self, session: Session, key: Key, *, scans: bool) -> SavedAnswer | None:
        """Start a transaction, and claim a key in it.

        It waits for another transaction with this key.

        Returns:
            The answer that is saved under the key; None when the key is now this transaction's.

        Raises:
            BadUserInputError: it is the key of another request.
        """
        now = int(time())
        expired = now - self._seconds
        row = {"caller": key.caller, "key": key.key}
        claim = {**key._asdict(), "created": now}
        claimed = await session.start(Change(self._claim, claim), scans=scans)
        while not claimed:
            found = (await session.fetch(FIND, **row)).first()
            if found is not None and found.created > expired:
                if found.digest != key.digest:
                    raise BadUserInputError("This idempotency key was used for another request.")
                return SavedAnswer(found.data, found.extensions)
            await session.fetch(FORGET, **row, expired=expired)
            claimed = len(await session.fetch(self._claim, **claim))
        return None

    async def save(self, session: Session, key: Key, answer: SavedAnswer) -> None:
        """Save the answer under a key that the transaction has claimed, and commit.

        Raises:
            PublicError: the answer is too large; nothing is committed.
        """
        if answer.size > self._largest:
            raise too_complex(
                f"The answer has more than {self._largest} bytes, the most that are saved under an "
                "idempotency key: select less. Nothing was stored."
            )
        row = {**key._asdict(), "created": int(time()), **answer._asdict()}
        await session.commit(Change(self._save, row))
        self._saved += 1
        self._saved_bytes += len(key.key) + answer.size + OVERHEAD
        # A tenth over a bound is little, and makes few searches of many answers.
        if self._saved * 10 >= self._most or self._saved_bytes * 10 >= self._most_bytes:
            self._due.set()

    async def keep_within_bounds(self) -> None:
        """Forget answers whose time is over, or that are too many, for as long as the app runs.

        Any number of processes may do so at once.
        """
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), PERIOD)
            self._due.clear()
            self._saved = self._saved_bytes = 0
            try:
                await self._forget_surplus()
            except Exception as error:  # noqa: BLE001 (the next time it may succeed)
                logger.warning("Saved answers could not be forgotten: %r", error.__cause__ or error)

    async def _forget_surplus(self) -> None:
        """Forget expired answers, and of each caller the oldest that are over the bounds."""
        expired = int(time()) - self._seconds
        counts, sizes = Counter[str](), Counter[str]()
        before = NEWER_THAN_ALL
        while rows := await self._newest(before):
            surplus = []
            for row in rows:
                counts[row.caller] += 1
                sizes[row.caller] += row.size
                is_over = counts[row.caller] > self._most or sizes[row.caller] > self._most_bytes
                if is_over or row.created <= expired:
                    surplus.append(row.id)
            if surplus:
                await self._forget(surplus)
            before = rows[-1].id
            await asyncio.sleep(PAUSE)

    async def _newest(self, before: int) -> Rows:
        session = self._database.session()
        try:
            return await session.fetch(NEWEST, before=before)
        finally:
            await session.close()

    async def _forget(self, ids: list[int]) -> None:
        session = self._database.session()
        try:
            await session.start()
            await session.fetch(FORGET_THESE, ids=ids)
            await session.commit()
        finally:
            await session.close()


class Once:
    """One execution of a mutation, in a transaction that is committed with its answer.

    Args:
        answers: where the answer is saved.
        session: what the transaction is of; its `close` undoes what was not committed.
        key: the client's, if it gave one.
        scans: whether the mutation may scan.
    """

    def __init__(
        self, answers: SavedAnswers, session: Session, key: Key | None, *, scans: bool
    ) -> None:
        self._answers = answers
        self._session = session
        self._key = key
        self._scans = scans
        self.saved: SavedAnswer | None = None
        """The answer of the first execution, where this is a repetition."""
        self.answer: SavedAnswer | None = None
        """Of an execution that succeeded: its answer. Without one, nothing is committed."""

    async def __aenter__(self) -> Self:
        if self._key is None:
            await self._session.start(scans=self._scans)
        else:
            self.saved = await self._answers.claim(self._session, self._key, scans=self._scans)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self.answer is not None and self._key is not None:
            await self._answers.save(self._session, self._key, self.answer)
        elif self.answer is not None or self.saved is not None:
            # On SQLite a saved answer may be of the group of operations that is committed next.
            await self._session.commit()

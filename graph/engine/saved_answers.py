"""Saved answers: a mutation with an idempotency key is executed once, however often it is sent.

A mutation and its answer are stored in one transaction: both, or neither. The transaction begins by
claiming the key: it inserts a row without an answer. A second request with the same key then waits,
because SQLite has one writer, and PostgreSQL waits for the transaction with the same unique key.

A mutation with a filter searches before its transaction begins. So the service looks for a saved
answer first, then searches, and then claims the key. If another request with the key was executed
during the search, this one writes nothing, and gets the answer of the other.

A background task deletes expired answers, and the oldest ones of callers with too many. So no
request has to count them.
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
from graph.engine.limits import Limits, too_complex
from graph.errors import BadUserInputError, logger
from graph.product import PREFIX

METADATA = MetaData()

ANSWERS = Table(
    f"{PREFIX}_answer",
    METADATA,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), Identity(), primary_key=True),
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("data", LargeBinary),
    Column("extensions", LargeBinary),
    UniqueConstraint("caller", "key", name=f"{PREFIX}_answer_of_key"),
)
"""The caller is empty for anonymous callers; `data` is null while the operation is executed."""

PERIOD = 600.0
"""Seconds between two searches for surplus answers; shorter if many are saved."""

CHUNK = 500
"""Answers that one statement reads; it takes a few milliseconds."""

PAUSE = 0.02
"""Seconds between two chunks, so that requests can use the database."""

NEWER_THAN_ALL = 2**63 - 1
"""Greater than the id of any answer."""

MAX_SAVED_BYTES = 200_000
"""Maximum bytes of a saved answer."""

OVERHEAD = 100
"""Bytes that a saved answer takes besides its key and its texts."""


class Key(NamedTuple):
    """An idempotency key, with its caller and the digest of its request."""

    caller: str
    key: str
    digest: bytes


CLAIMED = (*Key._fields, "created")
"""Columns of a claimed key; the answer follows when the mutation has been executed."""


class SavedAnswer(NamedTuple):
    """An answer, as JSON texts."""

    data: bytes
    extensions: bytes | None

    @property
    def size(self) -> int:
        """Bytes of both texts."""
        return len(self.data) + len(self.extensions or b"")


def digest(query: str, operation: str | None, variables: dict[str, Any]) -> bytes:
    """Return the digest of a request; it does not depend on the order of variables.

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

# Locks the row, so that the commit waits for the synchronous standby. If the first operation was
# cancelled during that wait, an isolated primary has an answer that the next primary may lack.
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

# Skips answers that another process is deleting.
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
        database: holds the answers.
        limits: how long answers are kept, and their total size.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        insert = import_module(f"sqlalchemy.dialects.{database.dialect.name}").insert(ANSWERS)
        self._claim = Statement(
            insert.on_conflict_do_nothing().returning(ANSWERS.c.id), values=CLAIMED
        )
        # For an UPDATE, PostgreSQL would choose how to find the row; this uses the unique index.
        texts = {name: insert.excluded[name] for name in SavedAnswer._fields}
        saved = insert.on_conflict_do_update(index_elements=["caller", "key"], set_=texts)
        self._save = Statement(saved.returning(ANSWERS.c.id), values=(*CLAIMED, *texts))
        self._database = database
        self._seconds = limits.saved_seconds
        self._most_bytes = limits.saved_bytes
        self._saved_bytes = 0
        self._due = asyncio.Event()

    def once(
        self,
        session: Session,
        key: Key | None,
        *,
        searches: bool,
        scans: bool,
        autocommit_characters: int,
    ) -> "Once":
        """Return a transaction for a mutation that may have been executed already.

        Args:
            session: the session of the transaction.
            key: the idempotency key, if the client sent one.
            searches: whether the mutation has a filter, and so searches before its transaction.
            scans: whether the mutation may scan (`Session.start`).
            autocommit_characters: as in `Session.start`; ignored with a key.
        """
        claim = None if key is None else Change(self._claim, self._claimed(key))
        session.start(claim, scans=scans, autocommit_characters=0 if key else autocommit_characters)
        return Once(self, session, key, searches=searches)

    @staticmethod
    def _claimed(key: Key) -> dict[str, object]:
        return {**key._asdict(), "created": int(time())}

    @staticmethod
    async def is_known(session: Session, key: Key) -> bool:
        """Whether an answer is saved under the key; begins no transaction."""
        return bool(await session.search(FIND, caller=key.caller, key=key.key))

    async def claim(self, session: Session, key: Key) -> SavedAnswer | None:
        """Begin the transaction, and claim the key in it; wait for any other one with the key.

        Returns:
            The answer saved under the key; None if this transaction has claimed the key.

        Raises:
            BadUserInputError: the key was used for another request.
        """
        expired = int(time()) - self._seconds
        row = {"caller": key.caller, "key": key.key}
        claimed = await session.begin()
        while not claimed:
            found = (await session.fetch(FIND, **row)).first()
            if found is not None and found.created > expired:
                if found.digest != key.digest:
                    raise BadUserInputError("This idempotency key was used for another request.")
                return SavedAnswer(found.data, found.extensions)
            await session.fetch(FORGET, **row, expired=expired)
            claimed = bool(await session.fetch(self._claim, **self._claimed(key)))
        return None

    async def save(self, session: Session, key: Key, answer: SavedAnswer) -> None:
        """Save the answer under a key that the transaction has claimed, and commit.

        Raises:
            PublicError: the answer is too large; nothing is committed.
        """
        if answer.size > MAX_SAVED_BYTES:
            raise too_complex(
                f"The answer has more than {MAX_SAVED_BYTES} bytes, the most that are saved under "
                "an idempotency key: select less. Nothing was stored."
            )
        row = {**self._claimed(key), **answer._asdict()}
        await session.commit(Change(self._save, row))
        self._saved_bytes += len(key.key) + answer.size + OVERHEAD
        # Exceeding the bound by a tenth is harmless, and keeps searches of many answers rare.
        if self._saved_bytes * 10 >= self._most_bytes:
            self._due.set()

    async def keep_within_bounds(self) -> None:
        """Delete expired and surplus answers, until cancelled.

        Any number of processes may do so at once.
        """
        while True:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with
            # what it waits for (python/cpython#86296).
            with suppress(TimeoutError):
                async with asyncio.timeout(PERIOD):
                    await self._due.wait()
            self._due.clear()
            self._saved_bytes = 0
            try:
                await self._forget_surplus()
            except Exception as error:  # noqa: BLE001 (it is tried again)
                logger.warning("Saved answers could not be forgotten: %r", error.__cause__ or error)

    async def _forget_surplus(self) -> None:
        """Delete expired answers, and each caller's oldest answers beyond the upper bound."""
        expired = int(time()) - self._seconds
        sizes = Counter[str]()
        before = NEWER_THAN_ALL
        while rows := await self._newest(before):
            surplus = []
            for row in rows:
                sizes[row.caller] += row.size
                if sizes[row.caller] > self._most_bytes or row.created <= expired:
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
            session.start()
            await session.fetch(FORGET_THESE, ids=ids)
            await session.commit()
        finally:
            await session.close()
        # If the task is cancelled, `commit` waits for its outcome all the same, and returns.
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError


class Once:
    """One execution of a mutation, in a transaction that is committed with its answer.

    Args:
        answers: saves the answer.
        session: the session of the transaction; its `close` rolls back uncommitted changes.
        key: the idempotency key, if the client sent one.
        searches: whether the mutation has a filter, and so searches before its transaction.
    """

    def __init__(
        self, answers: SavedAnswers, session: Session, key: Key | None, *, searches: bool
    ) -> None:
        self._answers = answers
        self._session = session
        self._key = key
        self._searches = searches
        self.saved: SavedAnswer | None = None
        """The answer of the first execution, if the request is a repetition."""
        self.answer: SavedAnswer | None = None
        """The answer, set by the caller on success; if unset, nothing is committed."""

    async def __aenter__(self) -> Self:
        if self._key is None:
            return self
        if not self._searches or await self._answers.is_known(self._session, self._key):
            await self.claim()
        return self

    async def claim(self) -> None:
        """Claim the key, if there is one; sets `saved` if an answer was saved under it.

        The caller calls this after the execution, too: only then is it known whether the key was
        free, if the mutation searched first or claimed the key with its first statement.
        """
        if self._key is not None:
            self.saved = await self._answers.claim(self._session, self._key)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self.answer is not None and self._key is not None:
            await self._answers.save(self._session, self._key, self.answer)
        elif self.answer is not None or self.saved is not None:
            # On SQLite, a saved answer may belong to a group that is not yet committed.
            await self._session.commit()

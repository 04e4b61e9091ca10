"""Queries that a client sends by hash or id.

With Apollo's automatic persisted queries
(https://www.apollographql.com/docs/apollo-server/performance/apq), a client first sends only the
hash; if the hash is unknown, it sends the text, too. Trusted documents are a fixed list, and no
other query is executed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from graph.engine.documents import Cache
from graph.errors import BadRequestError, Code, PublicError
from graph.settings import Settings

STORED_CHARACTERS = 1_000_000
"""Maximum characters of all stored texts; the least recently used is removed first."""

LONGEST_STORED = 20_000
"""Maximum characters of a stored text, enough for a thousand tokens. A client must send fifty
padded texts to remove all others."""


class QueryText(NamedTuple):
    """A query text, and the hash under which to store it if it is valid."""

    text: str
    hash: str | None = None


class DocumentStore(ABC):
    """Finds the query text of a request."""

    def find(self, fields: Mapping[str, Any]) -> QueryText:
        """Return the query text of a request.

        Its hash or id is `extensions.persistedQuery.sha256Hash`, `documentId` or `id`.

        Raises:
            PublicError: the text is missing, unknown or not allowed.
        """
        query = fields.get("query")
        if query is not None and not isinstance(query, str):
            raise BadRequestError("query must be a string.")
        extensions = fields.get("extensions")
        persisted = extensions.get("persistedQuery") if extensions else None
        if persisted is not None:
            return self._by_hash(_hash(persisted), query)
        if query:
            return self._by_text(query)
        name = fields.get("documentId") or fields.get("id")
        if not isinstance(name, str):
            raise BadRequestError("The request has no query.")
        return self._by_hash(_bare(name), None)

    @abstractmethod
    def store(self, name: str, query: str) -> None:
        """Store a valid text under its hash."""

    @abstractmethod
    def _by_hash(self, name: str, query: str | None) -> QueryText:
        """Return the text of a hash or id; `query` is the text that came with it."""

    @abstractmethod
    def _by_text(self, query: str) -> QueryText:
        """Return the text, if it may be executed."""


def _hash(persisted: Any) -> str:
    """Return the hash in `extensions.persistedQuery`."""
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise BadRequestError("extensions.persistedQuery must have version 1.")
    name = persisted.get("sha256Hash")
    if not isinstance(name, str):
        raise BadRequestError("extensions.persistedQuery needs a sha256Hash.")
    return _bare(name)


def _bare(name: str) -> str:
    """Return a hash without the prefix of document ids in GraphQL over HTTP."""
    return name.removeprefix("sha256:")


def _not_found() -> PublicError:
    return PublicError(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")


class AutomaticPersistedQueries(DocumentStore):
    """Executes any text; stores a text under its hash if a client sends both."""

    def __init__(self) -> None:
        self._texts = Cache[str](STORED_CHARACTERS, LONGEST_STORED, len)

    def store(self, name: str, query: str) -> None:
        self._texts.keep(name, query)

    def _by_hash(self, name: str, query: str | None) -> QueryText:
        stored = self._texts.get(name)
        if not query:
            if stored is None:
                raise _not_found()
            return QueryText(stored)
        if stored == query:
            return QueryText(stored)
        if sha256_of(query) != name:
            raise BadRequestError("The provided sha does not match the query.")
        return QueryText(query, name)

    def _by_text(self, query: str) -> QueryText:
        return QueryText(query)


class TrustedDocuments(DocumentStore):
    """Executes only the texts of a fixed list, sent by id, by SHA-256 or in full.

    Args:
        documents: texts by id, as graphql-codegen's `persistedDocuments` writes them.
    """

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._trusted = frozenset(documents.values())
        self._texts = {sha256_of(text): text for text in self._trusted}
        self._texts |= {_bare(name): text for name, text in documents.items()}

    def store(self, name: str, query: str) -> None:
        """Do nothing: the list is fixed."""

    def _by_hash(self, name: str, query: str | None) -> QueryText:
        if query:
            return self._by_text(query)
        try:
            return QueryText(self._texts[name])
        except KeyError:
            raise _not_found() from None

    def _by_text(self, query: str) -> QueryText:
        if query not in self._trusted:
            raise PublicError(Code.QUERY_NOT_IN_SAFELIST, "Only trusted documents are executed.")
        return QueryText(query)


def sha256_of(query: str) -> str:
    """Return a query text's SHA-256 in hexadecimal digits."""
    return sha256(query.encode(errors="surrogatepass")).hexdigest()


def document_store(settings: Settings) -> DocumentStore:
    """Return the store for these settings."""
    if settings.trusted_documents is not None:
        return TrustedDocuments(settings.trusted_documents)
    return AutomaticPersistedQueries()

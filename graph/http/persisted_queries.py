"""Queries that a client sends by hash or id.

With Apollo's automatic persisted queries
(https://www.apollographql.com/docs/apollo-server/performance/apq), a client first sends only the
hash; if the hash is unknown, it sends the text, too. Trusted documents are a fixed list, and no
other query is executed.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from graph.engine.documents import Cache
from graph.errors import BadRequestError, Code, PublicError

STORED_CHARACTERS = 1_000_000
"""Maximum characters of all stored texts; the least recently used is removed first."""

LONGEST_STORED = 20_000
"""Maximum characters of a stored text, enough for a thousand tokens. A client must send fifty
padded texts to remove all others."""


class DocumentStore:
    """Finds the query texts of requests.

    Args:
        trusted: the only texts that are executed, by id, as graphql-codegen's `persistedDocuments`
            writes them. If None, all texts are executed, and those sent with a hash are stored.
    """

    def __init__(self, trusted: Mapping[str, str] | None) -> None:
        self._trusted = None if trusted is None else frozenset(trusted.values())
        self._by_id = {sha256_of(text): text for text in self._trusted or ()}
        self._by_id |= {_bare(name): text for name, text in (trusted or {}).items()}
        self._stored = Cache[str](STORED_CHARACTERS, LONGEST_STORED, len)

    def find(self, fields: Mapping[str, Any]) -> tuple[str, str | None]:
        """Return the query text of a request, and the hash under which to store it if it is valid.

        A text's hash or id is `extensions.persistedQuery.sha256Hash`, `documentId` or `id`.

        Raises:
            PublicError: the text is missing, unknown or not allowed.
        """
        query = fields.get("query")
        if query is not None and not isinstance(query, str):
            raise BadRequestError("query must be a string.")
        extensions = fields.get("extensions")
        persisted = extensions.get("persistedQuery") if extensions else None
        name = None if persisted is None else _hash(persisted)
        if query:
            return query, self._hash_to_store(query, name)
        name = name or fields.get("documentId") or fields.get("id")
        if not isinstance(name, str):
            raise BadRequestError("The request has no query.")
        text = self._by_id.get(_bare(name)) or self._stored.get(_bare(name))
        if text is None:
            raise PublicError(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        return text, None

    def store(self, name: str, query: str) -> None:
        """Store a valid text under its hash."""
        self._stored.keep(name, query)

    def _hash_to_store(self, query: str, name: str | None) -> str | None:
        """Return the hash under which to store a text that was sent with this hash or without."""
        if self._trusted is not None:
            if query not in self._trusted:
                raise PublicError(
                    Code.QUERY_NOT_IN_SAFELIST, "Only trusted documents are executed."
                )
            return None
        if name is None or self._stored.get(name) == query:
            return None
        if sha256_of(query) != name:
            raise BadRequestError("The provided sha does not match the query.")
        return name


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


def sha256_of(query: str) -> str:
    """Return a query text's SHA-256 in hexadecimal digits."""
    return sha256(query.encode(errors="surrogatepass")).hexdigest()

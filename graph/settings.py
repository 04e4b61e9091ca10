"""The settings, read from the environment (prefix `GRAPH_`) and a file `.env`."""

import json
import re
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graph.product import API

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
"""An origin as browsers send it: lower case, without a path or `*` (RFC 6454, section 6.2)."""

DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")
"""An origin with its default port, which browsers leave out: it would never match."""

HOST = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""Any host (`*`), a host name, or all hosts below a domain (`*.example.org`)."""

TOKEN = re.compile(r"[!-~]+")
"""A token: visible ASCII characters."""

DEFAULT = "default"
"""Name of the caller with `GRAPH_TOKEN`."""

PREFIX = "GRAPH_"

ENV_FILE = ".env"
ENV_FILE_ENCODING = "utf-8-sig"
"""UTF-8; a byte order mark, as Windows may write it, is skipped."""


class Synchronous(StrEnum):
    """Durability on SQLite (https://sqlite.org/pragma.html#pragma_synchronous)."""

    FULL = "FULL"
    NORMAL = "NORMAL"


class LogLevel(StrEnum):
    """The least severe level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @classmethod
    def _missing_(cls, value: object) -> "LogLevel | None":
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None


class LogFormat(StrEnum):
    """Format of a log line."""

    TEXT = "text"
    JSON = "json"


def read_documents(path: object) -> object:
    """Read the query texts, by id, of a JSON file.

    Raises:
        ValueError: the file cannot be read, or contains something else.
    """
    if not isinstance(path, str | Path):
        return path
    try:
        documents = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not isinstance(documents, dict) or not all(isinstance(t, str) for t in documents.values()):
        raise ValueError(f"{path} is not a JSON object of query texts by id")
    return documents


class Settings(BaseSettings):
    """The settings of the service."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding=ENV_FILE_ENCODING,
        extra="ignore",
        hide_input_in_errors=True,
    )

    api: str = Field(
        default=API,
        description="the module whose `schema` is served, such as `shop.api`",
    )
    database_url: str = Field(
        default="sqlite:///database.db",
        description="`sqlite:///path`, `postgresql://…` or `postgres://…`",
    )
    sqlite_synchronous: Synchronous = Field(
        default=Synchronous.FULL,
        description="`FULL`: an acknowledged write survives a power cut. `NORMAL` is faster: "
        "the last writes before a power cut can be lost, never those before a crash",
    )
    database_timeout: PositiveFloat = Field(
        default=5.0, le=60, description="seconds to wait for the database before giving up"
    )
    read_only: bool = Field(
        default=False,
        description="only read: mutations fail with `FORBIDDEN`, the start writes nothing, and "
        "`/ready` is 200 on a standby, too",
    )
    request_timeout: PositiveFloat = Field(
        default=10.0,
        le=600,
        description="seconds for a request to arrive, and then for each of its operations",
    )
    shutdown_timeout: PositiveInt = Field(
        default=20, le=600, description="seconds for open requests to finish after SIGTERM"
    )
    pool_size: PositiveInt = Field(
        default=10, le=1_000, description="maximum connections of each process to PostgreSQL"
    )
    graphiql: bool = Field(default=True, description="serve GraphiQL to browsers")
    introspection: bool = Field(default=True, description="answer introspection queries")
    max_body_bytes: PositiveInt = Field(
        default=100_000, le=100_000_000, description="maximum bytes of a request's body"
    )
    max_tokens: PositiveInt = Field(
        default=1_000, le=100_000, description="maximum tokens of a document, comments included"
    )
    max_aliases: int = Field(
        default=15,
        ge=0,
        le=10_000,
        description="maximum aliases of an operation; those of a fragment count each time it is "
        "spread",
    )
    max_rows: PositiveInt = Field(
        default=1_000,
        le=1_000_000,
        description="maximum rows of an operation, over all root fields",
    )
    max_cost: PositiveInt = Field(
        default=10_000,
        le=100_000_000,
        description="maximum fields of an answer, over all rows; fields of introspection count "
        "twice, and 300 rows skipped by `offset` count as one field",
    )
    max_answer_bytes: PositiveInt = Field(
        default=2_000_000, le=1_000_000_000, description="maximum bytes of an answer's data"
    )
    max_subscriptions: PositiveInt = Field(
        default=10_000, le=1_000_000, description="maximum subscriptions of each process"
    )
    max_caller_subscriptions: PositiveInt = Field(
        default=100,
        le=1_000_000,
        description="maximum subscriptions of a caller, or without tokens of an address, in each "
        "process",
    )
    batch_limit: PositiveInt = Field(
        default=10, le=1_000, description="maximum operations of a batch; 1 turns batching off"
    )
    idempotency_hours: PositiveInt = Field(
        default=24,
        le=8_760,
        description="hours for which the answer of a mutation is saved under its idempotency key",
    )
    idempotency_bytes: PositiveInt = Field(
        default=100_000_000,
        le=1_000_000_000_000,
        description="maximum bytes of the saved answers of a caller; the oldest are deleted",
    )
    changes_hours: PositiveInt = Field(
        default=24,
        le=8_760,
        description="hours for which changes of followed tables are kept, for followers that come "
        "back",
    )
    changes_rows: PositiveInt = Field(
        default=1_000_000,
        le=1_000_000_000,
        description="how many changes of a followed table are kept at most",
    )
    trusted_documents: Annotated[
        dict[str, str] | None, NoDecode, BeforeValidator(read_documents)
    ] = Field(
        default=None,
        description="a JSON file with query texts by id; no other queries are then executed",
    )
    cache_control: str = Field(
        default="no-cache",
        pattern=r"^[\x20-\x7e]+$",
        description="the header `Cache-Control` of answers to GET, such as `public, max-age=60`",
    )
    token: SecretStr | None = Field(
        default=None,
        description="the bearer token that `/graphql` asks for, in ASCII without spaces; short for "
        "`GRAPH_TOKENS=default=…`",
    )
    tokens: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default={},
        validate_default=True,
        description="bearer tokens of several callers, each with the caller's name, as in "
        "`ann=s3cret,bob=t0ken`; resolvers and permissions see the name",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="origins whose pages may call the API, separated by commas, such as "
        "`https://example.org`",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="hosts to answer for, separated by commas: `example.org`, `*.example.org`, "
        "`10.0.0.0/8`, `*`. If unset: all; but only this machine's own if `serve` listens on "
        "loopback without a token",
    )

    log_level: LogLevel = Field(
        default=LogLevel.WARNING,
        description="`debug`, `info`, `warning` or `error`; `info` logs a line for each request",
    )
    log_format: LogFormat = Field(
        default=LogFormat.TEXT, description="`text`, or `json`: one object a line"
    )

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not ORIGIN.fullmatch(origin) or DEFAULT_PORT.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin, such as https://example.org")
        return origins

    @field_validator("tokens", mode="before")
    @classmethod
    def _split_tokens(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
        if not all(name and TOKEN.fullmatch(token) for name, _, token in pairs):
            raise ValueError("must be names with tokens, such as ann=s3cret,bob=t0ken")
        tokens = {name: token for name, _, token in pairs}
        if len(tokens) < len(pairs):
            raise ValueError("a name has two tokens")
        return tokens

    @field_validator("tokens")
    @classmethod
    def _add_token(cls, tokens: dict[str, SecretStr], info: ValidationInfo) -> dict[str, SecretStr]:
        if (token := info.data.get("token")) is not None:
            if DEFAULT in tokens:
                raise ValueError(f"the name {DEFAULT!r} belongs to GRAPH_TOKEN")
            tokens = {DEFAULT: token, **tokens}
        if len({token.get_secret_value() for token in tokens.values()}) < len(tokens):
            raise ValueError("two names have the same token")
        return tokens

    @field_validator("database_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url != url.strip() or re.search(r"[\x00-\x1f\x7f]", url):
            raise ValueError("contains a line break, or starts or ends with a space")
        return url

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower().strip("[]") for host in hosts)
        for host in hosts:
            if not HOST.fullmatch(host):
                try:
                    ip_network(host)
                except ValueError:
                    message = f"{host!r} is not a host, such as example.org, *.example.org or ::1"
                    raise ValueError(message) from None
        return hosts

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("must be visible ASCII characters, at least one")
        return token

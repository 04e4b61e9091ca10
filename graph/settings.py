"""What can be configured, from the environment (prefix `GRAPH_`) and a `.env` file."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Synchronous(StrEnum):
    """How hard SQLite tries to survive a power cut (https://sqlite.org/pragma.html#pragma_synchronous)."""

    FULL = "FULL"
    NORMAL = "NORMAL"


def read_documents(path: object) -> object:
    """The texts by id that a JSON file holds.

    Raises:
        ValueError: it cannot be read, or holds something else.
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
    """Every setting of the service, with its default and its bounds."""

    model_config = SettingsConfigDict(env_prefix="GRAPH_", env_file=".env", extra="ignore")

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
    graphiql: bool = Field(default=True, description="serve GraphiQL to browsers")
    introspection: bool = Field(default=True, description="answer introspection queries")
    max_body_bytes: PositiveInt = Field(
        default=100_000, le=100_000_000, description="bytes of a request's body"
    )
    max_tokens: PositiveInt = Field(default=1_000, le=100_000, description="tokens of a document")
    max_aliases: int = Field(default=15, ge=0, le=10_000, description="aliases in a document")
    max_depth: PositiveInt = Field(default=20, le=100, description="levels of nested fields")
    max_rows: PositiveInt = Field(
        default=1_000, le=1_000_000, description="rows over all root fields of an operation"
    )
    batch_limit: PositiveInt = Field(
        default=10, le=1_000, description="operations in a request; 1 turns batching off"
    )
    automatic_persisted_queries: bool = Field(
        default=True, description="let clients send the hash of a query in its place"
    )
    trusted_documents: Annotated[
        dict[str, str] | None, NoDecode, BeforeValidator(read_documents)
    ] = Field(
        default=None,
        description="a JSON file of query texts by id; nothing else is executed then",
    )
    cache_control: str = Field(
        default="no-cache",
        pattern=r"^[\x20-\x7e]+$",
        description="the header `Cache-Control` of a query by GET, such as `public, max-age=60`",
    )
    compression: bool = Field(default=True, description="compress answers of 1 kB and more")
    fast_execution: bool = Field(
        default=True, description="execute compiled operations; false: graphql-core executes all"
    )
    token: SecretStr | None = Field(
        default=None, min_length=1, description="the bearer token that `/graphql` asks for"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="origins whose pages may call the API, separated by commas"
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

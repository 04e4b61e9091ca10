"""The hero table, and the rules for new heroes."""

from typing import Any, ClassVar

from pydantic import field_validator
from sqlalchemy import MetaData, Table
from sqlmodel import Field, SQLModel

from graph.tables.columns import keyset_indexes

MAX_TEXT_LENGTH = 200
"""Maximum number of characters in a new hero's name and secret name."""

MIN_INT, MAX_INT = -(2**31), 2**31 - 1
"""Bounds of GraphQL's `Int` (https://spec.graphql.org/October2021/#sec-Int)."""


NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}
"""Names of indexes and constraints; migrations find them by name on every database."""


class Base(SQLModel):
    """Base class of the models; their tables have a metadata of their own, not SQLModel's."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


class HeroBase(Base):
    """The fields of a hero that clients read and write."""

    name: str = Field(index=True, description="The name the public knows, such as `Deadpond`.")
    age: int | None = Field(
        default=None, index=True, description="Age in years; null when unknown."
    )
    secret_name: str = Field(description="The name behind the mask, such as `Dive Wilson`.")


class Hero(HeroBase, table=True):
    """The table `hero` of the FastAPI tutorial "SQL Databases"."""

    # Without AUTOINCREMENT, SQLite reuses the id of the last hero after it was deleted.
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)


HERO: Table = Base.metadata.tables["hero"]
"""The table, for Core statements; they compile faster than those that name the model."""

METADATA = Base.metadata
"""All tables: they must exist."""

# Clients can sort by indexed columns; keyset indexes keep their pages fast.
keyset_indexes(HERO)


class HeroCreate(HeroBase):
    """A new hero.

    Only this class validates: table models do not, and existing rows may break the rules. The
    rules apply to every field of `HeroBase`.
    """

    @field_validator("*")
    @classmethod
    def _valid(cls, value: Any) -> Any:
        if type(value) is str:
            if not value.strip():
                raise ValueError("must not be blank")
            if len(value) > MAX_TEXT_LENGTH:
                raise ValueError(f"must have at most {MAX_TEXT_LENGTH} characters")
        elif type(value) is int and not 0 <= value <= MAX_INT:
            raise ValueError(f"must be from 0 to {MAX_INT}")
        return value

"""The hero table, and what a valid hero is."""

from typing import Any, Self

from pydantic import ValidationInfo, field_validator
from sqlalchemy import Table
from sqlmodel import Field, SQLModel

from graph.database.indexes import keyset_indexes
from graph.database.storable import validate_for_column

MAX_TEXT_LENGTH = 200
"""The most characters of a new hero's name and secret name."""

MIN_INT, MAX_INT = -(2**31), 2**31 - 1
"""The bounds of GraphQL's `Int` (https://spec.graphql.org/October2021/#sec-Int)."""


SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}
"""Names of indexes and constraints, by which migrations find them on every database."""


class HeroBase(SQLModel):
    """The fields of a hero that clients read and write."""

    name: str = Field(index=True, description="The name the public knows, such as `Deadpond`.")
    age: int | None = Field(
        default=None, index=True, description="Age in years; null when unknown."
    )
    secret_name: str = Field(description="The name behind the mask, such as `Dive Wilson`.")


class Hero(HeroBase, table=True):
    """The table `hero`, as the FastAPI tutorial "SQL Databases" has it."""

    # Without AUTOINCREMENT, SQLite gives the id of the last hero, once deleted, to the next one.
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)


HERO: Table = SQLModel.metadata.tables["hero"]
"""The table for Core statements, which name it with fewer steps than a model does."""

TABLE = HERO
"""What the commands and the probes ask for: the table that must be there, and that is seeded."""

# Rows can be ordered by a column that has an index; it gets the one for their pages, too.
keyset_indexes(TABLE)

FIRST_COLUMNS = {"id", "name", "age", "secret_name"}
"""Its columns at the first revision, which the FastAPI tutorial's table has too."""


class HeroCreate(HeroBase):
    """A hero as a client may create it.

    Table models do not validate, and rows that were there before may break these rules,
    so they stand on this class alone and hold for every field of `HeroBase`.
    """

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Pydantic's own: SQLModel's does not take the `by_alias` that Strawberry passes."""
        return super(SQLModel, cls).model_validate(obj, **options)

    @field_validator("*")
    @classmethod
    def _valid(cls, value: Any, info: ValidationInfo) -> Any:
        column = HERO.c.get(str(info.field_name))
        if column is not None:
            validate_for_column(value, column)
        if type(value) is str:
            if not value.strip():
                raise ValueError("must not be blank")
            if len(value) > MAX_TEXT_LENGTH:
                raise ValueError(f"must have at most {MAX_TEXT_LENGTH} characters")
        elif type(value) is int and not 0 <= value <= MAX_INT:
            raise ValueError(f"must be from 0 to {MAX_INT}")
        return value

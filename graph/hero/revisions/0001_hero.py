"""The table `hero`, as the FastAPI tutorial "SQL Databases" makes it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "hero",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("age", sa.Integer(), nullable=True),
        sa.Column("secret_name", sa.String(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hero_name", "hero", ["name"])
    op.create_index("ix_hero_age", "hero", ["age"])

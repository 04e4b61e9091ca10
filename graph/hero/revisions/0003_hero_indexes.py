"""Indexes in the order of pages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # The operator of a busy PostgreSQL may have created them (graph/cli/README.md).
    op.create_index(
        "ix_hero_name_and_id",
        "hero",
        # In an adopted table, the column may have another collation.
        [sa.text("name COLLATE BINARY") if is_sqlite else "name", "id"],
        postgresql_ops={"name": 'COLLATE "C"'},
        if_not_exists=True,
    )
    op.create_index("ix_hero_age_and_id", "hero", ["age", "id"], if_not_exists=True)

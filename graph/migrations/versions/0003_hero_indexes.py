"""Indexes that have the heroes of a page in its order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # On a busy PostgreSQL, they may have been made beforehand (graph/cli/README.md).
    op.create_index(
        "ix_hero_name_and_id",
        "hero",
        # A column that another tool made may have a collation of its own.
        [sa.text("name COLLATE BINARY") if is_sqlite else "name", "id"],
        postgresql_ops={"name": 'COLLATE "C"'},
        if_not_exists=True,
    )
    op.create_index("ix_hero_age_and_id", "hero", ["age", "id"], if_not_exists=True)

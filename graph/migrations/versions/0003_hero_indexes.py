"""Indexes that have the heroes of a page in its order."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # On a busy PostgreSQL, they may have been made beforehand (graph/cli/README.md).
    op.create_index(
        "ix_hero_name_and_id",
        "hero",
        ["name", "id"],
        postgresql_ops={"name": 'COLLATE "C"'},
        if_not_exists=True,
    )
    op.create_index("ix_hero_age_and_id", "hero", ["age", "id"], if_not_exists=True)

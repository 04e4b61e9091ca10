"""The table `book`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "book",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("lent", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_book_title", "book", ["title"])
    op.create_index(
        "ix_book_title_and_id", "book", ["title", "id"], postgresql_ops={"title": 'COLLATE "C"'}
    )
    op.create_index("ix_book_price", "book", ["price"])
    op.create_index("ix_book_price_and_id", "book", ["price", "id"])

"""Table of the answers that are saved under idempotency keys."""

import sqlalchemy as sa
from alembic import op

from graph.product import PREFIX

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        f"{PREFIX}_answer",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(),
            primary_key=True,
        ),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("extensions", sa.LargeBinary(), nullable=True),
        sa.UniqueConstraint("caller", "key", name=f"{PREFIX}_answer_of_key"),
    )

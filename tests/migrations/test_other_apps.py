"""Another app migrates the same database with Alembic; neither touches the other's tables."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.prepared_database import set_up

README = Path(__file__).parents[2] / "graph" / "cli" / "README.md"

ENV = """
from alembic import context
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, create_engine

metadata = MetaData()
Table("other", metadata, Column("id", Integer, primary_key=True))
Table(
    "hero",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("age", Integer, index=True),
    Column("secret_name", String, nullable=False),
)

{function}

with create_engine("sqlite:///database.db").connect() as connection:
    context.configure(connection=connection, target_metadata=metadata{argument})
    with context.begin_transaction():
        context.run_migrations()
"""
"""`env.py` of an app that has the tutorial's table."""


def include_name() -> str:
    """`include_name` as graph/cli/README.md shows it."""
    found = re.search(r"```python\n(def include_name.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def alembic(*arguments: str) -> None:
    """Run the command `alembic`."""
    command = [sys.executable, "-m", "alembic", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("is_told", [True, False])
def test_autogenerate_leaves_our_tables_alone_when_told_to(
    tmp_path: Path,
    is_told: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    set_up(f"sqlite:///{tmp_path / 'database.db'}")
    alembic("init", "migrations")
    told = {"function": include_name(), "argument": ", include_name=include_name"}
    env = ENV.format(**(told if is_told else {"function": "", "argument": ""}))
    (tmp_path / "migrations" / "env.py").write_text(env)
    alembic("revision", "--autogenerate", "-m", "other")
    [file] = (tmp_path / "migrations" / "versions").glob("*.py")
    upgrade = file.read_text().partition("def downgrade")[0]
    assert "create_table('other'" in upgrade
    assert ("drop_table('hero_graph_version')" in upgrade) != is_told
    assert ("drop_" in upgrade) != is_told

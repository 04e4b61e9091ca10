"""The example clients of tests/clients run against a service."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from runpy import run_path

import pytest
from pydantic import TypeAdapter

from tests.support.client import Client
from tests.support.components import require
from tests.support.databases import on_sqlite
from tests.support.served_schemas import Serve
from tests.support.service_process import service
from tests.support.subscriptions import Subscription

pytestmark = on_sqlite

CLIENTS = Path(__file__).parent / "clients"
SNAPSHOT = Path(__file__).parent.parent / "schema.graphql"


def run(*command: str) -> str:
    """Output of a client's script, which must succeed."""
    done = subprocess.run(
        command, cwd=CLIENTS, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def node() -> str:
    """Path of Node, if the clients' packages are installed."""
    program = shutil.which("node")
    installed = (CLIENTS / "node_modules").is_dir()
    require(
        program is not None and installed,
        "needs Node, and `npm ci` in tests/clients",
    )
    return str(program)


@pytest.mark.parametrize(
    ("script", "passing"),
    [
        ("apollo.mjs", 4),
        ("apollo-scroll.mjs", 2),
        ("apollo-links.mjs", 4),
        ("urql.mjs", 5),
        ("relay.mjs", 3),
        ("graphql-request.mjs", 3),
    ],
)
def test_javascript_client(api: Client, node: str, script: str, passing: int) -> None:
    assert f"\n# pass {passing}\n" in run(node, script, f"{api.url}/graphql")


def test_relay_loads_page_after_page(api: Client, node: str) -> None:
    run(binary("relay-compiler"), "relay.config.json")
    assert "\n# pass 2\n" in run(node, "relay/scroll.mjs", f"{api.url}/graphql")


@pytest.mark.slow
def test_a_request_in_flight_is_aborted(node: str, database_url: str) -> None:
    with service(database_url) as running:
        running.process.send_signal(signal.SIGSTOP)
        assert "\n# pass 4\n" in run(node, "abort.mjs", f"{running.url}/graphql")
        output = run(sys.executable, "gql_abort.py", f"{running.url}/graphql")
        assert output == "timed out\ncancelled\n"
        running.process.send_signal(signal.SIGCONT)
        client = Client(running.url)
        assert client.create("after")["name"] == "after"
        client.http.close()


def binary(name: str) -> str:
    """Path of a program of the clients' packages."""
    return str(CLIENTS / "node_modules" / ".bin" / name)


@pytest.mark.slow
def test_typescript_knows_the_schema(serve: Callable[..., Client], node: str) -> None:
    shutil.rmtree(CLIENTS / "gql", ignore_errors=True)
    run(binary("graphql-codegen"), "--config", "codegen.json")
    run(binary("tsc"))
    plain = serve()
    for script in ("typed.js", "typed-scroll.js"):
        assert run(node, f"gql/out/{script}", f"{plain.url}/graphql") == "ok\n"
    trusting = serve(trusted_documents=str(CLIENTS / "gql" / "persisted-documents.json"))
    assert run(node, "gql/out/trusted.js", f"{trusting.url}/graphql") == "ok\n"


@pytest.mark.parametrize("script", ["gql_sync.py", "gql_async.py"])
def test_python_client(api: Client, script: str) -> None:
    assert run(sys.executable, script, f"{api.url}/graphql") == "['A', 'B']\n['NOT_FOUND']\n"


def test_javascript_clients_subscribe(serve_schema: Serve, node: str) -> None:
    api = serve_schema(subscription=Subscription)
    assert "\n# pass 5\n" in run(node, "subscriptions.mjs", f"{api.url}/graphql")


def test_python_client_subscribes(serve_schema: Serve) -> None:
    api = serve_schema(subscription=Subscription)
    output = run(sys.executable, "gql_subscriptions.py", f"{api.url}/graphql")
    assert output == "[0, 1, 2]\n[0, 1, 2]\n"


@pytest.mark.slow
@pytest.mark.parametrize("check", ["schema.mjs", "schema_check.py"])
def test_a_breaking_change_fails_a_clients_own_tests(
    api: Client,
    node: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: str,
) -> None:
    scripts = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(scripts), prepend=os.pathsep)
    program = node if check.endswith(".mjs") else sys.executable
    committed = tmp_path / "schema.graphql"
    published = SNAPSHOT.read_text(encoding="utf-8")

    committed.write_text(published.replace("A hero.", "A villain."), encoding="utf-8")
    run(program, check, f"{api.url}/graphql", str(committed))
    committed.write_text(published.replace("secretName: ", "alias: "), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"Hero\.alias was removed"):
        run(program, check, f"{api.url}/graphql", str(committed))


@pytest.mark.slow
def test_python_knows_the_schema(api: Client, tmp_path: Path) -> None:
    query = (CLIENTS / "page.graphql").read_text(encoding="utf-8")
    run(
        str(Path(sys.executable).with_name("strawberry")),
        *("codegen", "--schema", "graph.hero.schema:schema", "-p", "python"),
        *("-o", str(tmp_path), "page.graphql"),
    )
    types = run_path(str(tmp_path / "page.py"))
    hero = {"id": api.create("Deadpond")["id"], "name": "Deadpond", "age": None}
    data = api.data(query, offset=0, limit=10)
    assert data == {"heroes": [hero]}
    dataclass(types["PageResultHeroes"])
    result = TypeAdapter(dataclass(types["PageResult"]))
    (parsed,) = result.validate_json(json.dumps(data), strict=True).heroes
    assert asdict(parsed) == hero

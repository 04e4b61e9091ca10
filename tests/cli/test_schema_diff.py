"""`schema --check` tells what a change of the schema means to clients."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from graph.cli import app
from tests.support.client import Client
from tests.support.databases import on_sqlite

pytestmark = on_sqlite

SNAPSHOT = Path(__file__).parents[2] / "schema.graphql"
SESAME = "sesame"


def schema(*arguments: str) -> Result:
    """Run `hero-graph schema`."""
    return CliRunner().invoke(app, ["schema", *arguments])


def test_a_services_schema_is_the_snapshot(api: Client) -> None:
    url = f"{api.url}/graphql"
    assert schema(url).stdout.encode() == SNAPSHOT.read_bytes()
    for arguments in ((url, "--check", str(SNAPSHOT)), ("--check", url), (url, "--check", url)):
        done = schema(*arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("was", "code", "says"),
    [
        (("secretName: String!", "alias: String!"), 1, "BREAKING: Field Hero.alias was removed."),
        (("limit: Int! = 100", "limit: Int! = 50"), 3, "DANGEROUS: Query.heroes(limit:) has"),
        (("A hero.", "A villain."), 3, '+"""A hero."""'),
    ],
)
def test_a_change_is_breaking_dangerous_or_neither(
    api: Client, tmp_path: Path, was: tuple[str, str], code: int, says: str
) -> None:
    committed = tmp_path / "schema.graphql"
    committed.write_text(SNAPSHOT.read_text(encoding="utf-8").replace(*was), encoding="utf-8")
    done = schema(f"{api.url}/graphql", "--check", str(committed))
    assert done.exit_code == code, done.stderr
    assert says in done.stdout
    for kind in ("BREAKING", "DANGEROUS"):
        assert (kind in done.stdout) == says.startswith(kind)
    assert f"hero-graph schema {api.url}/graphql > {committed}" in done.stderr


def test_another_layout_is_no_change(tmp_path: Path) -> None:
    committed = tmp_path / "schema.graphql"
    types = SNAPSHOT.read_text(encoding="utf-8").replace("  ", "    ").split('\n\n"""')
    text = '\n\n\n"""'.join([types[0], *reversed(types[1:])])
    assert text.index("type Query") < text.index("type Hero")
    committed.write_text(text, encoding="utf-8")
    assert schema("--check", str(committed)).exit_code == 0


def test_the_token_opens_the_service(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{serve(token=SESAME).url}/graphql"
    monkeypatch.setenv("GRAPH_TOKEN", SESAME)
    assert schema(url).exit_code == 0
    refused = schema(url, "--token", "wrong")
    assert refused.exit_code == 2
    assert "401 Unauthorized: A valid bearer token is needed." in refused.stderr


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """URL of a server that answers every POST with this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/graphql"
        finally:
            server.shutdown()
            thread.join()


def test_what_cannot_be_compared_says_why(serve: Callable[..., Client], tmp_path: Path) -> None:
    closed = serve(introspection=False)
    nonsense = tmp_path / "nonsense.graphql"
    nonsense.write_text("type Query {")
    empty = tmp_path / "empty.graphql"
    empty.write_text("type Hero { id: ID }")

    def told(source: str) -> str:
        done = schema("--check", source)
        assert done.exit_code == 2
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "No such file" in told(str(tmp_path / "none.graphql"))
    assert "Syntax Error" in told(str(nonsense))
    assert "introspection" in told(f"{closed.url}/graphql")
    assert "404 Not Found" in told(f"{closed.url}/nowhere")
    assert "Connection refused" in told("http://127.0.0.1:1/graphql")
    with answering(200, b"<html>") as url:
        assert "Expecting value" in told(url)
    with answering(200, b"[]") as url:
        assert "not a GraphQL response" in told(url)
    with answering(200, b'{"data": {"__schema": 1}}') as url:
        assert "cannot read a schema" in told(url)
    with answering(302, b"", location=f"{closed.url}/graphql") as url:
        assert "302 Found" in told(url)

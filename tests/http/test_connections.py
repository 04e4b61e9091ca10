"""Clients that send or read slowly, idle connections, and clients that disconnect."""

import select
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import perf_counter, sleep

import httpx
import pytest

from graph.http import flow, server, uvicorn_protocol
from tests.support.client import Client
from tests.support.components import require
from tests.support.databases import on_sqlite, slow_on_postgresql
from tests.support.raw_http import HEAD, answers, connected, post, read_answer, read_to_the_end
from tests.support.service_process import memory, service

WHOLE = post("{ heroes { id name age secretName } }")
LAST = WHOLE.replace(b"Host", b"Connection: close\r\nHost")
NO_HTTP = WHOLE + b"\x16\x03\x01\x02\x00\x01\r\n\r\n"
HALVES = {
    "nothing": b"",
    "half a line": WHOLE[:10],
    "half the headers": WHOLE[: len(HEAD) - 5],
    "half the body": WHOLE[:-10],
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "a second half": WHOLE + WHOLE[:-10],
}


@slow_on_postgresql
@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_half_a_request_times_out(
    serve: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    half: bytes,
    again: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE", 1)
    api = serve(request_timeout=0.2)
    with connected(api.url) as connection:
        if again:
            connection.sendall(WHOLE)
            assert read_answer(connection).status_code == 200
        connection.sendall(half)
        answer = read_to_the_end(connection)
    if half:
        assert b"408 Request Timeout" in answer
        assert b'{"code":"BAD_REQUEST"}' in answer
    else:
        assert answer == b""


def test_many_half_requests_do_not_hurt_others(serve: Callable[..., Client]) -> None:
    api = serve(request_timeout=1)
    with ExitStack() as stack:
        idle = [stack.enter_context(connected(api.url)) for _ in range(200)]
        for index, connection in enumerate(idle):
            connection.sendall([*HALVES.values()][index % len(HALVES)])
        for _ in range(20):
            api.create()
            assert api.heroes() != []
        for connection in idle:
            read_to_the_end(connection)


def test_a_slow_request_within_the_timeout_is_answered(api: Client) -> None:
    with connected(api.url) as connection:
        for index in range(len(WHOLE)):
            connection.sendall(WHOLE[index : index + 1])
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_connection_is_kept_for_the_next_request(serve: Callable[..., Client]) -> None:
    api = serve(request_timeout=0.5)
    with connected(api.url) as connection:
        for _ in range(2):
            connection.sendall(WHOLE)
            answer = b""
            while not answer.endswith(b'{"data":{"heroes":[]}}'):
                answer += connection.recv(65536)
            # Longer than the timeout of an arriving request.
            assert select.select([connection], [], [], 0.8)[0] == []


@on_sqlite
@pytest.mark.parametrize("more", [b"", b"\r\n"], ids=["nothing", "a blank line"])
def test_an_idle_connection_is_closed(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, more: bytes
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE", 1)
    api = serve()
    with connected(api.url) as connection:
        connection.sendall(WHOLE)
        assert read_answer(connection).status_code == 200
        connection.sendall(more)
        assert read_to_the_end(connection) == b""


@on_sqlite
def test_beyond_the_limit_the_longest_idle_connection_is_closed(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_protocol, "MAX_IDLE", 10)
    api = serve()
    with ExitStack() as stack:
        connections = []
        for _ in range(30):
            connections.append(stack.enter_context(connected(api.url)))
            connections[-1].sendall(WHOLE)
            assert read_answer(connections[-1]).status_code == 200
        for connection in connections[:20]:
            assert read_to_the_end(connection) == b""
        for connection in connections[20:]:
            connection.sendall(WHOLE)
            assert read_answer(connection).status_code == 200


@on_sqlite
def test_connections_without_a_request_count_as_idle(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_protocol, "MAX_IDLE", 10)
    api = serve()
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(api.url)) for _ in range(30)]
        assert api.heroes() == []
        for connection in connections[:20]:
            assert read_to_the_end(connection) == b""


@on_sqlite
@pytest.mark.parametrize("sent", [len(HEAD) - 5, len(WHOLE) - 10], ids=["head", "body"])
def test_beyond_the_limit_the_oldest_arriving_requests_are_refused(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    size = flow.CONNECTION_BYTES + len(WHOLE)
    monkeypatch.setattr(uvicorn_protocol, "MAX_ARRIVING_BYTES", 10 * size)
    api = serve()
    with ExitStack() as stack:
        connections = []
        for _ in range(30):
            connections.append(stack.enter_context(connected(api.url)))
            connections[-1].sendall(WHOLE[:sent])
        for connection in connections[:20]:
            answer = read_to_the_end(connection)
            assert b"408 Request Timeout" in answer
            assert b"Too many requests were arriving" in answer
        for connection in connections[20:]:
            connection.sendall(WHOLE[sent:])
            assert read_answer(connection).status_code == 200


@on_sqlite
def test_bytes_of_arriving_requests_are_limited(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_protocol, "MAX_ARRIVING_BYTES", 1_000_000)
    api = serve()
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(api.url)) for _ in range(30)]
        for connection in connections:
            connection.sendall(HEAD + b"Content-Length: 90000\r\n\r\n" + b" " * 60_000)
        for connection in connections[:15]:
            assert b"408 Request Timeout" in read_to_the_end(connection)
        assert api.heroes() == []


def test_a_client_that_does_not_read_is_disconnected(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "STEPS", 1)
    api = serve(request_timeout=1)
    for _ in range(20):
        api.create("🦸" * 200, secretName="🦹" * 200)
    with connected(api.url) as connection:
        connection.settimeout(0)
        broken = select.poll()
        broken.register(connection, select.POLLERR)
        try:
            while not broken.poll(1):
                connection.send(WHOLE)
        except BlockingIOError:
            assert broken.poll(30_000), "the connection is still there"
        except ConnectionError:
            pass
    assert api.heroes() != []


@pytest.mark.slow
@on_sqlite
@pytest.mark.parametrize(
    ("last", "narrow"), [(WHOLE, True), (LAST, True), (LAST, False)], ids=["kept", "closed", "wide"]
)
def test_a_client_that_reads_slowly_gets_its_answer(
    serve: Callable[..., Client],
    last: bytes,
    narrow: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    api = serve(request_timeout=2)
    for _ in range(100):
        api.create("🦸" * 200, secretName="🦹" * 200)
    with connected(api.url, narrow=narrow) as connection:
        if not narrow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.sendall(WHOLE * 9 + last)
        received = b""
        for _ in range(40):  # five times the timeout of a client that does not read
            sleep(0.25)
            received += connection.recv(2000 if narrow else 4000)
        while received.count(b"HTTP/1.1 200 OK") < 10 or not received.endswith(b"}]}}"):
            more = connection.recv(65536)
            assert more, "the connection was closed"
            received += more
    pages = answers(received)
    assert [len(page.json()["data"]["heroes"]) for page in pages] == [100] * 10


@on_sqlite
def test_of_too_many_clients_that_do_not_read_those_that_wait_longest_are_given_up(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_protocol, "MAX_UNREAD_BYTES", 500_000)
    api = serve(request_timeout=600)
    for _ in range(20):  # pages of 33 kB
        api.create("🦸" * 200, secretName="🦹" * 200)
    with ExitStack() as stack:
        broken = select.poll()
        given_up = 0
        for _ in range(30):
            connection = stack.enter_context(connected(api.url, narrow=True))
            connection.sendall(WHOLE * 120)
            broken.register(connection, select.POLLERR)
        with connected(api.url) as reader:
            reader.sendall(WHOLE * 9 + LAST)
            assert len(answers(read_to_the_end(reader))) == 10
        while given_up < 20:
            found = broken.poll(60_000)
            assert found, f"{given_up} were given up"
            for descriptor, _ in found:
                broken.unregister(descriptor)
                given_up += 1
        assert api.heroes() != []


def test_a_refused_client_that_does_not_close_is_disconnected(
    serve: Callable[..., Client],
) -> None:
    api = serve(request_timeout=0.2)
    with connected(api.url) as connection:
        connection.sendall(NO_HTTP)
        assert b" 400 " in read_to_the_end(connection)
        deadline = perf_counter() + 30
        with suppress(ConnectionError):
            while perf_counter() < deadline:
                connection.sendall(b"a")
        assert perf_counter() < deadline, "the connection is still there"


def sockets(pid: int) -> int:
    """Number of sockets of a process."""
    count = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += str(file.readlink()).startswith("socket:")
    return count


@contextmanager
def unread(url: str) -> Iterator[None]:
    """Connections that take nothing of what they ask for, and are to be closed behind it.

    What is left for the service to keep, as the system keeps no more, is anything from nothing.
    """
    with ExitStack() as stack:
        for times in range(60):
            connection = stack.enter_context(connected(url, narrow=True))
            connection.sendall(WHOLE * times + (NO_HTTP if times % 2 else LAST))
        with connected(url) as reader:  # its requests take longer
            reader.sendall(WHOLE * 100 + LAST)
            read_to_the_end(reader)
        yield


def held(url: str) -> int:
    """How many connections the service, or the system for it, has not closed or not sent all of."""
    port = httpx.URL(url).port
    rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    ends = [(row.split()[1].split(":")[1], row.split()[3]) for row in rows]
    open_ = {"01", "04"}  # ESTABLISHED, FIN_WAIT1
    return sum(int(local, 16) == port and state in open_ for local, state in ends)


def fill(api: Client) -> None:
    """Make pages of 8 kB."""
    for _ in range(5):
        api.create("🦸" * 200, secretName="🦹" * 200)


@on_sqlite
def test_a_closing_connection_that_is_not_read_is_closed(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "STEPS", 1)
    require(Path("/proc/net/tcp").is_file(), "the system's connections are not in /proc")
    api = serve(request_timeout=1)
    fill(api)
    before = held(api.url)
    with unread(api.url):
        deadline = perf_counter() + 60
        while held(api.url) > before:
            assert api.heroes() != []
            assert perf_counter() < deadline, "connections are still there"


@pytest.mark.slow
@on_sqlite
def test_a_client_that_does_not_read_does_not_delay_shutdown(
    database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        service(database_url, request_timeout=600, shutdown_timeout=15) as (url, process),
        Client(url) as api,
    ):
        fill(api)
        with unread(url):
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert "graceful shutdown exceeded" not in capfd.readouterr().err


@slow_on_postgresql
@pytest.mark.parametrize("times", [300, pytest.param(3_000, marks=pytest.mark.slow)])
def test_clients_that_disconnect_leave_nothing_behind(
    database_url: str, capfd: pytest.CaptureFixture[str], times: int
) -> None:
    require(Path("/proc/self/fd").is_dir(), "the process's files are not in /proc")
    create = (
        b'{"query": "mutation { createHero(input: {name: \\"a\\", secretName: \\"b\\"}) { id } }"}'
    )
    requests = [
        *HALVES.values(),
        WHOLE,
        HEAD + b"Content-Length: %d\r\n\r\n" % len(create) + create,
    ]
    abruptly = struct.pack("ii", 1, 0)

    def leave(count: int) -> None:
        for index in range(count):
            with connected(url) as connection:
                connection.sendall(requests[index % len(requests)])
                if index % 3:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abruptly)

    # With one connection to PostgreSQL, they are as many before as after.
    with service(database_url, pool_size=1) as (url, process), Client(url) as api:
        leave(500)  # until everything is created that is created once
        assert api.heroes() != []
        files, used = sockets(process.pid), memory(process.pid)
        leave(times)
        deadline = perf_counter() + 60
        while sockets(process.pid) > files:  # the last ones are still being closed
            assert api.heroes() != []
            assert perf_counter() < deadline, "connections were left behind"
        assert memory(process.pid) < used + 5_000_000
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
@on_sqlite
def test_a_steady_reader_is_not_disconnected_though_its_system_reports_in_steps(
    serve: Callable[..., Client],
) -> None:
    api = serve(request_timeout=1)
    for _ in range(100):
        api.create("🦸" * 200, secretName="🦹" * 200)
    with connected(api.url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.sendall(WHOLE * 60)
        for _ in range(100):
            sleep(0.1)
            assert connection.recv(2_500)  # a step takes longer than the timeout

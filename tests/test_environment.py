"""Settings from the environment and `.env`: misspelled names and invalid files stop the start."""

from pathlib import Path

import pytest

from graph.environment import FORMER, SettingsError, load_settings
from graph.settings import Settings
from tests.support.components import require
from tests.support.service_process import run

MISSPELLED = {
    "GRAPH_TOKENN": "GRAPH_TOKEN",
    "graph_tokenn": "GRAPH_TOKEN",
    "GRAPH_TOKNE": "GRAPH_TOKEN",
    "GRAPH_TOKEN_": "GRAPH_TOKEN",
    "GRAPH_DATABASE": "GRAPH_DATABASE_URL",
    "GRAPH_DATABASE_URI": "GRAPH_DATABASE_URL",
    "GRAPH_CORS_ORIGIN": "GRAPH_CORS_ORIGINS",
    "GRAPH_ALLOWED_HOST": "GRAPH_ALLOWED_HOSTS",
    "GRAPH_LOGLEVEL": "GRAPH_LOG_LEVEL",
    "GRAPH_GRAPHQL": "GRAPH_GRAPHIQL",
}

OF_KUBERNETES = [
    *("GRAPH_SERVICE_HOST", "GRAPH_SERVICE_PORT", "GRAPH_SERVICE_PORT_HTTP", "GRAPH_PORT"),
    *("GRAPH_PORT_8000_TCP", "GRAPH_PORT_8000_TCP_ADDR", "GRAPH_PORT_8000_TCP_PORT"),
    *("GRAPH_PORT_8000_TCP_PROTO", "GRAPH_POSTGRES_SERVICE_HOST", "GRAPH_QL_PORT_80_TCP"),
]


@pytest.mark.parametrize(("name", "meant"), MISSPELLED.items())
@pytest.mark.parametrize("in_file", [False, True], ids=["environment", "file"])
def test_a_misspelled_setting_stops_the_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    meant: str,
    in_file: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    if in_file:
        (tmp_path / ".env").write_text(f"{name}=x\n")
    else:
        monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=rf"^Unknown setting {name}: did you mean {meant}\?$"):
        load_settings()


def test_unknown_names_are_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, bool | int | float):
            monkeypatch.setenv(f"GRAPH_{name.upper()}", str(field.default))
    unknown = {"GRAPH_COLOUR": "GRAPH_COLOUR", "GRAPH_HOME": "GRAPH_HOME"}
    unknown |= {f"GRAPH_{name}": f"GRAPH_{name} (now {now})" for name, now in FORMER.items()}
    for name in (*OF_KUBERNETES, *unknown, "GRPAH_TOKEN", "GRAPHICS", "TOKEN"):
        monkeypatch.setenv(name, "x")
    done = run("db", "upgrade")
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    logged = ", ".join([unknown[name] for name in sorted(unknown)])
    assert f"{logged}, GRPAH_TOKEN (did you mean GRAPH_TOKEN?)" in line
    assert not any(name in line for name in (*OF_KUBERNETES, "GRAPHICS"))


WRONG_FILES = {
    "UTF-16": ("GRAPH_TOKEN=secret\n".encode("utf-16"), "UTF-8"),
    "UTF-16 without a mark": ("GRAPH_TOKEN=secret\n".encode("utf-16-le"), "UTF-8"),
    "Latin-1": ("GRAPH_TOKEN=secret # für Ann\n".encode("latin-1"), "UTF-8"),
    "a colon": (b"# ours\nGRAPH_TOKEN: secret\n", "line 2: write GRAPH_TOKEN=value"),
    "no value": (b"GRAPH_TOKEN\n", "line 1: write GRAPH_TOKEN=value"),
}


@pytest.mark.parametrize(("content", "says"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_a_file_that_sets_nothing_stops_the_start(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=rf"^\.env.*{says}"):
        load_settings()


def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    unreadable = Path("/proc/self/mem")  # unreadable for root, too
    require(unreadable.is_file(), "there is no file that nobody can read")
    (tmp_path / ".env").symlink_to(unreadable)
    with pytest.raises(SettingsError, match=r"^\.env cannot be read: "):
        load_settings()


def test_a_dangling_link_or_a_directory_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "missing")
    with pytest.raises(SettingsError, match=r"^\.env cannot be read: No such file"):
        load_settings()
    (tmp_path / "missing").mkdir()
    with pytest.raises(SettingsError, match=r"^\.env cannot be read: Is a directory"):
        load_settings()


def test_a_file_may_have_variables_of_other_programs(tmp_path: Path) -> None:
    key = "-----BEGIN KEY-----\nabc: def\n-----END KEY-----"
    (tmp_path / ".env").write_text(f'export GRAPH_MAX_ROWS=7 # ours\nKEY="{key}"\nVERBOSE\n')
    assert load_settings().max_rows == 7


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GRAPH_MAX_ROWS=7\n# für Ann\n", encoding="utf-8-sig")
    assert Settings().max_rows == 7


def test_a_log_level_may_be_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_LOG_LEVEL", "ERROR")
    assert load_settings().log_level == "error"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"TOKENS": "ann"}, "^GRAPH_TOKENS: must be names with tokens, such as ann=s3cret"),
        ({"TOKENS": "ann=a,bob=b,ann=c"}, "^GRAPH_TOKENS: a name has two tokens$"),
        ({"TOKENS": "ann=a,bob=a"}, "GRAPH_TOKENS: .*two names have the same token"),
        ({"TOKEN": "a", "TOKENS": "ann=a"}, "GRAPH_TOKENS: .*two names have the same token"),
        ({"TOKEN": "a", "TOKENS": "default=b"}, "GRAPH_TOKENS: .*the name 'default' belongs"),
        ({"DATABASE_URL": "sqlite:///database.db\n"}, "GRAPH_DATABASE_URL: .*a line break"),
        (
            {"DATABASE_URL": " sqlite:///database.db"},
            "^GRAPH_DATABASE_URL: contains .* with a space$",
        ),
        ({"DATABASE_URL": "sqlite:///data\nbase.db"}, "GRAPH_DATABASE_URL: .*a line break"),
        ({"DATABASE_URL": "postgresql://host/heroes\n"}, "GRAPH_DATABASE_URL: .*a line break"),
    ],
)
def test_an_impossible_value_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"GRAPH_{name}", value)
    with pytest.raises(SettingsError, match=says):
        load_settings()


@pytest.mark.parametrize("command", ["serve", pytest.param("seed", marks=pytest.mark.slow)])
def test_a_misspelled_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("GRAPH_TOKENN", "secret")
    done = run(command)
    assert done.returncode == 1
    assert done.stderr == "hero-graph: Unknown setting GRAPH_TOKENN: did you mean GRAPH_TOKEN?\n"

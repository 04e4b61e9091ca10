"""The FastAPI tutorial's app and this service serve the same file at the same time."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.client import Client
from tests.support.service_process import service

ROOT = Path(__file__).parent.parent


@contextmanager
def tutorial(folder: Path) -> Iterator[httpx.Client]:
    """Run the tutorial's app in this folder, with `database.db` in it."""
    command = [sys.executable, "-m", "uvicorn", "tests.support.tutorial_app:app", "--port", "0"]
    with subprocess.Popen(
        [*command, "--app-dir", str(ROOT)], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"running on (http://\S+)", line):
                    break
            else:
                pytest.fail("the tutorial's app did not start")
            with httpx.Client(base_url=found[1]) as client:
                yield client
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("first", ["tutorial", "ours"])
def test_both_serve_the_same_heroes_at_the_same_time(tmp_path: Path, first: str) -> None:
    url = f"sqlite:///{tmp_path}/database.db"
    if first == "tutorial":
        with tutorial(tmp_path) as rest:
            old = {"name": "Rusty-Man", "age": 48, "secret_name": "Tommy Sharp"}
            assert rest.post("/heroes/", json=old).is_success
    else:
        with service(url) as ours, Client(ours.url) as api:
            api.create("Rusty-Man", age=48, secretName="Tommy Sharp")
    with tutorial(tmp_path) as rest, service(url) as ours, Client(ours.url) as api:
        assert api.heroes() == [
            {"id": "1", "name": "Rusty-Man", "age": 48, "secretName": "Tommy Sharp"}
        ]
        assert rest.get("/heroes/").json()[0]["name"] == "Rusty-Man"
        for turn in range(5):
            theirs = rest.post("/heroes/", json={"name": f"T{turn}", "secret_name": "s"}).json()
            assert api.heroes()[-1]["id"] == str(theirs["id"])
            created = api.create(f"O{turn}")
            assert rest.get("/heroes/").json()[-1]["name"] == created["name"]
        delete = "mutation($id: ID!) { deleteHero(id: $id) { name } }"
        assert api.data(delete, id="1") == {"deleteHero": {"name": "Rusty-Man"}}
        assert rest.delete("/heroes/1").status_code == 404
        assert rest.delete("/heroes/2").is_success
        assert api.codes(delete, id="2") == ["NOT_FOUND"]
        assert len(api.heroes()) == len(rest.get("/heroes/").json()) == 9


def test_both_models_can_be_in_one_process() -> None:
    both = "import graph.hero.model, tests.support.tutorial_app"
    subprocess.run([sys.executable, "-c", both], check=True)

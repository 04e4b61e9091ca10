"""The service passes the audits of `graphql-http` for the GraphQL-over-HTTP specification."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.components import require

PACKAGES = ["graphql-http@1.22", "graphql@16"]

OVERRULED = {
    "MAY use 400 status code on missing {query} parameter": "Status Codes: "
    "If the request is not a well-formed GraphQL-over-HTTP request, status code 422 SHOULD be used",
    "SHOULD use a status code of 400 on variable coercion failure when accepting "
    "application/graphql-response+json": "Status Codes: "
    "If the variable values cannot be coerced to match the operation's variable definitions, "
    "status code 422 SHOULD be used",
}
"""Audits of an older text of the specification, with what the text of August 2026 says."""

SCRIPT = """
import { serverAudits } from 'graphql-http';
const results = [];
for (const audit of serverAudits({ url: process.argv[2], fetchFn: fetch })) {
  const { status, reason } = await audit.fn();
  results.push({ name: audit.name, status, reason });
}
console.log(JSON.stringify(results));
"""


@pytest.fixture(scope="session")
def audits(request: pytest.FixtureRequest) -> Path:
    """The script that runs the audits, in the folder of its packages."""
    require(shutil.which("npm") is not None, "npm is not installed")
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("audits")
    if not (folder / "node_modules").is_dir():
        subprocess.run(["npm", "install", "--no-package-lock", *PACKAGES], cwd=folder, check=True)
    script = folder / "audits.mjs"
    script.write_text(SCRIPT, encoding="utf-8")
    return script


def test_all_audits_pass(shared: Client, audits: Path) -> None:
    command = ["node", str(audits), f"{shared.url}/graphql"]
    output = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
    results = json.loads(output)
    assert len(results) > 50
    failed = {result["name"]: result["reason"] for result in results if result["status"] != "ok"}
    assert failed == dict.fromkeys(OVERRULED, "Response status code is not 400")

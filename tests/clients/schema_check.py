"""A Python client's check of the schema that it was written for: python … http://…/graphql FILE"""

import subprocess
import sys

_, url, file = sys.argv


def test_the_api_still_is_what_we_were_written_for() -> None:
    check = ["hero-graph", "schema", url, "--check", file]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3}, done.stdout + done.stderr


test_the_api_still_is_what_we_were_written_for()

"""`python -m tests.load URL`: many connections at once, on a service with sample heroes."""

import argparse
import asyncio

from tests.support.crowd import Mix, crowd


def main() -> None:
    """Run both mixes, and print their reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the base URL of a service on this machine")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rows", type=int, default=1000, help="heroes that it was seeded with")
    given = parser.parse_args()
    for mix in Mix:
        report = asyncio.run(crowd(given.url, given.connections, given.seconds, mix, given.rows))
        print(f"{mix}: {report}")  # noqa: T201 (a command)


main()

"""The command; `python -m graph` does the same."""

from graph.garbage import uncollected

with uncollected():
    from graph.cli import main

if __name__ == "__main__":
    main()

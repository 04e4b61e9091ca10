"""`python -m graph` is the same as `hero-graph`."""

from graph.cli import main

if __name__ == "__main__":
    main()

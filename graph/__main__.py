"""The command `hero-graph`, as which `python -m graph` does the same."""

import gc

# What is imported stays for good. To search all of it for garbage whenever more is there would be a
# sixth of the start.
gc.disable()
from graph.cli import main  # noqa: E402 (as said)

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()

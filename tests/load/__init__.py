"""Loads on services, by hand: `python -m tests.load`, and the others beside it."""

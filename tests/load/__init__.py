"""Load generators that are run by hand, such as `python -m tests.load`."""

"""Follows the how-to guides of graph/README.md on a copy of the code."""

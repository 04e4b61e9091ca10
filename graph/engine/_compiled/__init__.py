"""Compiled operations: the fast path."""

"""Tests of the engine: how operations are executed."""

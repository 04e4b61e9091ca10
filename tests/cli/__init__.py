"""Tests of the command `hero-graph`."""

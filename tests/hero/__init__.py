"""Tests of the hero API."""

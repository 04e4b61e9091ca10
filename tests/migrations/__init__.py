"""Tests of migrations: a database is created, adopted, upgraded and checked."""

"""Tests of GraphQL over HTTP, and of the processes that serve it."""

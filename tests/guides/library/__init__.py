"""Replaces `graph/hero` by tables for PostgreSQL alone, in two schemas."""

"""Requests and responses, and the processes that serve them."""

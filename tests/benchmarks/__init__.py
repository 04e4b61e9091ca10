"""Benchmarks of the service and of others that its users could run instead."""

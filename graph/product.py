"""The product's name, as people, browsers, metrics and databases see it."""

NAME = "hero-graph"
"""Name of the command; default of OpenTelemetry's `service.name`. pyproject.toml repeats it."""

API = "graph.hero.schema"
"""Name of the module whose schema is served, unless `GRAPH_API` names another."""

PREFIX = NAME.replace("-", "_")
"""Begins the names of the service's own tables, prepared statements and metrics."""

LOCK = int.from_bytes(NAME[:4].encode())
"""Key of PostgreSQL's advisory lock for setting the database up."""

"""hero-graph: a GraphQL API over a SQLModel table."""

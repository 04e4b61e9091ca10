"""A GraphQL API over a SQLModel table."""

"""The database's schema."""

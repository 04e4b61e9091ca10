"""The API over the table."""

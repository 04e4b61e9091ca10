"""Sessions, transactions, and what goes wrong with a database."""

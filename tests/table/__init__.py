"""Generated reads and writes of the table: the service against a model in plain Python."""

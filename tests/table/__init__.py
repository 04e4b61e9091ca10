"""Generated reads and writes, compared with a model of the table in plain Python."""

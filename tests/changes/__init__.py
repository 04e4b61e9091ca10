"""Changes of rows: the log, and who follows it."""

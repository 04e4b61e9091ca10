"""What an operator sees: log lines, traces, metrics."""

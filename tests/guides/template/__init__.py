"""The parts of the full-stack-fastapi-template that its API needs."""

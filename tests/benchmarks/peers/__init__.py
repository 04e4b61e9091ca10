"""The servers to compare with: each one file, written as its own documentation would have it.

They read the database's SQLAlchemy URL from the environment variable `DATABASE_URL`.
"""

"""The servers to compare with: one file each, written as their documentation shows it.

They read the database's SQLAlchemy URL from the environment variable `DATABASE_URL`.
"""

"""Stands for the template's module of this name, which hashes by Argon2."""

from hashlib import scrypt
from os import urandom


def get_password_hash(password: str) -> str:
    """Return a salted hash of a password."""
    salt = urandom(16)
    return f"{salt.hex()}${scrypt(password.encode(), salt=salt, n=2, r=8, p=1).hex()}"

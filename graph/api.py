"""The API that is served: a schema, its tables, and the project's folder beside it."""

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from random import Random
from traceback import extract_tb
from types import ModuleType

from graph.engine.schema import Schema
from graph.migrations import Migrations
from graph.product import NAME
from graph.tables.samples import Row
from graph.tables.served import followed_tables, tables_of

REVISIONS = "revisions"
"""Folder of the project's revisions, beside the module of its schema."""

PACKAGE = str(Path(__file__).parent)


class APIError(Exception):
    """The API cannot be loaded; the message is one line for the operator."""


class API:
    """What is served.

    Args:
        schema: the schema; its resources say which tables there are.
        revisions: the project's revisions; None if another program creates and changes the tables.
        module: name of the module that the schema is from; None to load nothing else from there.
        command: name of the command, for messages.
    """

    def __init__(
        self,
        schema: Schema,
        revisions: Path | None = None,
        *,
        module: str | None = None,
        command: str = NAME,
    ) -> None:
        self.schema = schema
        self.command = command
        self.migrations = Migrations(
            tables_of(schema), revisions, followed=followed_tables(schema), command=command
        )
        self._module = module

    @cached_property
    def realistic(self) -> Mapping[str, Callable[[Random], Row]]:
        """By table, the function that makes a sample row: `REALISTIC` of a module `seed` beside it.

        Raises:
            APIError: the module cannot be imported.
        """
        if self._module is None:
            return {}
        package = self._module.rpartition(".")[0]
        name = f"{package}.seed" if package else "seed"
        folder = Path(str(sys.modules[self._module].__file__)).parent
        found: Mapping[str, Callable[[Random], Row]] = {}
        if (folder / "seed.py").exists():
            found = getattr(_imported(name), "REALISTIC", found)
        return found


def load_api(name: str, command: str = NAME) -> API:
    """Return the API whose schema is the attribute `schema` of a module.

    Args:
        name: name of the module, such as `shop.api`.
        command: name of the command, for messages.

    Raises:
        APIError: the module cannot be imported, or has no such schema.
    """
    if not all(part.isidentifier() for part in name.split(".")):
        raise APIError(f"GRAPH_API: {name!r} is not the name of a module, such as `shop.api`")
    module = _imported(name)
    schema = getattr(module, "schema", None)
    if schema is None:
        raise APIError(f"GRAPH_API: the module {name} has no `schema`")
    if not isinstance(schema, Schema):
        kind = f"{type(schema).__module__}.{type(schema).__qualname__}"
        needed = f"{Schema.__module__}.{Schema.__qualname__}"
        raise APIError(f"GRAPH_API: `schema` of {name} must be a {needed}, not a {kind}")
    folder = Path(str(module.__file__)).parent / REVISIONS
    return API(schema, folder, module=name, command=command)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            raise APIError(f"GRAPH_API: there is no module {name}") from None
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        # The module's own line says more than that of the package which refuses it.
        frames = extract_tb(error.__traceback__)
        own = [each for each in frames if not each.filename.startswith(("<", PACKAGE))]
        at = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
        raise APIError(f"GRAPH_API: {name} cannot be imported: {reason}{at}") from error

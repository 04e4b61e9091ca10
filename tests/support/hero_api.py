"""Hero's API, and apps and databases with its revisions."""

from pathlib import Path
from typing import Any

from graph.api import load_api
from graph.app import App, create_app
from graph.engine.schema import Schema
from graph.hero.schema import schema as hero
from graph.product import API
from graph.settings import Settings

REVISIONS = Path(__file__).parents[2] / "graph" / "hero" / "revisions"

MIGRATIONS = load_api(API).migrations


def app_of(schema: Schema = hero, settings: Settings | None = None, **options: Any) -> App:
    """An app with another schema over the tables of Hero's revisions."""
    return create_app(settings or Settings(), schema=schema, revisions=REVISIONS, **options)

"""The API of authors and volumes."""

import strawberry
import strawberry.pydantic
from strawberry.schema.config import StrawberryConfig

from graph.engine.context import Info
from graph.engine.schema import Schema
from graph.tables import Resource

from . import model as models


@strawberry.pydantic.type
class Author(models.AuthorBase):
    """An author."""

    id: strawberry.ID


@strawberry.pydantic.type
class Volume(models.VolumeBase):
    """A volume."""

    id: strawberry.ID


AUTHORS = Resource(models.Author, Author, create=models.AuthorBase, one="author", many="authors")
VOLUMES = Resource(models.Volume, Volume, create=models.VolumeBase, one="volume", many="volumes")


@strawberry.type
class Query:
    """The root type of queries."""

    authors = AUTHORS.page_field()
    volumes = VOLUMES.page_field()


@strawberry.type
class Mutation:
    """The root type of mutations."""

    create_author = AUTHORS.create_field()
    create_volume = VOLUMES.create_field()


schema = Schema(query=Query, mutation=Mutation, config=StrawberryConfig(info_class=Info))

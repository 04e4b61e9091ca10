"""The committed schema is up to date, and its types have all fields of the model."""

from pathlib import Path

from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema

from graph.cli import schema_diff
from graph.hero.model import Hero, HeroBase
from graph.hero.schema import schema

SNAPSHOT = Path(__file__).parents[2] / "schema.graphql"


def test_the_snapshot_is_up_to_date() -> None:
    assert SNAPSHOT.read_text() == schema_diff.sdl(schema_diff.read(schema)), (
        "The schema has changed. If that is meant: hero-graph schema > schema.graphql"
    )


def test_every_field_of_the_model_is_in_the_types() -> None:
    types = build_schema(schema.as_str()).type_map
    hero, new = types["Hero"], types["CreateHeroInput"]
    assert isinstance(hero, GraphQLObjectType)
    assert isinstance(new, GraphQLInputObjectType)
    camel = schema.config.name_converter.apply_naming_config
    assert set(hero.fields) == {camel(name) for name in Hero.model_fields}
    assert set(new.fields) == {camel(name) for name in HeroBase.model_fields}


def test_the_columns_are_the_tutorials() -> None:
    columns = {
        column.name: (str(column.type), column.nullable, bool(column.index), column.primary_key)
        for column in Hero.metadata.tables["hero"].columns
    }
    assert columns == {
        "id": ("INTEGER", False, False, True),
        "name": ("VARCHAR", False, True, False),
        "age": ("INTEGER", True, True, False),
        "secret_name": ("VARCHAR", False, False, False),
    }

"""Root fields that follow changes."""

import strawberry

from graph.hero.types import HEROES


@strawberry.type(description="The subscriptions of the API.")
class Subscription:
    """The root type of subscriptions."""

    hero_changes = HEROES.changes_field()

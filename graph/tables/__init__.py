"""The parts of any table's API.

`Resource` makes a table's types, inputs and root fields. `Filter`, `Changes` and `OrderTerm` are
the types of the arguments of a resolver that is written out.
"""

from graph.tables.filters import Filter
from graph.tables.inputs import Changes
from graph.tables.orders import OrderTerm
from graph.tables.resource import Resource

__all__ = ["Changes", "Filter", "OrderTerm", "Resource"]

"""Sample books."""

from collections.abc import Iterator


def batches(count: int) -> Iterator[list[dict[str, object]]]:
    """`count` books."""
    yield [{"title": f"Book {n}", "price": n / 2, "lent": n % 2 == 0} for n in range(count)]

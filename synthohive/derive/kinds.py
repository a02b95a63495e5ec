"""The kinds of derivations: the one list in which each search has its row.

A search takes the columns of a sample and what was chosen so far, and calls ``chosen.add`` with
each derivation that it finds; this refuses what is broken in a row, or closes a circle. Whoever
adds a kind writes one file (the dataclass, and the search beside it) and one row here: encoding,
sampling, imputing, repairs, checkpoints and ``Synthesizer.relations`` know it by its class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from synthohive.derive.calendar_search import find_calendar, find_clocks
from synthohive.derive.columns import Chosen, Columns
from synthohive.derive.composed import find_composed
from synthohive.derive.containing import find_containing
from synthohive.derive.expected import find_expected
from synthohive.derive.formula_search import find_linear, find_products, find_rates, find_sums
from synthohive.derive.level import find_levels
from synthohive.derive.mostly import find_mostly, nearly
from synthohive.derive.pattern_search import find_copies, find_lookups, find_orders
from synthohive.derive.series_level import find_series_levels
from synthohive.derive.usual_sums import find_usual_sums

__all__ = ["LINKS", "NEARLY_LINKS", "SEARCHES", "Search"]

Search = Callable[[Columns, Chosen], None]


def in_nearly_all(*searches: Search) -> Search:
    """Return the search for what holds in nearly all rows, by searches for what holds in all."""

    def find(columns: Columns, chosen: Chosen) -> None:
        with chosen.allowing(nearly):
            for search in searches:
                search(columns, chosen)

    return find


SEARCHES: list[Search] = [
    find_copies,
    find_composed,
    find_calendar,
    find_sums,
    find_linear,
    find_products,
    find_rates,
    find_clocks,
    find_lookups,
    in_nearly_all(find_copies, find_calendar, find_sums, find_linear, find_products, find_lookups),
    find_usual_sums,
    partial(find_mostly, times=False),
    find_series_levels,
    find_expected,
    find_containing,
    find_orders,
    in_nearly_all(find_orders),
    find_mostly,
    find_levels,
]
"""What is looked for in a table's rows beside their driving parents'.

What explains most comes first, as each column follows from others in one way only: a copy is also
a formula, and a sum in which nothing is left to chance is also an order. What follows wholly in
nearly all rows comes before what follows in part in all.
"""

LINKS: tuple[Search, ...] = (find_copies, find_composed, find_sums, find_linear, find_products)
"""What may follow from a parent over a further key."""

NEARLY_LINKS = in_nearly_all(find_copies, find_sums, find_linear, find_products)
"""What may do so in nearly all rows."""

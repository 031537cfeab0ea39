"""The same person in two records: told only to whoever sees what they have in common (F2).

Records are linked by the blind index of an ID number, or of name and birth date. To show the link
of two masked ones would tell that their numbers are equal, and of a masked with a clear one whose
the masked one is (leak channel 17). So an index counts only where every item behind it is in clear.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, case, literal_column, true
from sqlalchemy import String as SqlString

from regions.people import INDEX_SETS
from regions.text import Text, quoted, written
from resolvers.questions.shapes import Shape
from resolvers.questions.views import covered

__all__ = ["INDEXES", "columns_of", "seen_indexes", "shown"]

INDEXES: Mapping[str, frozenset[str]] = {
    "id_number_index": frozenset({"ID_NUMBER"}),
    "name_birth_index": frozenset({"NAME", "BIRTH_DATE"}),
}
"""Blind index → the items whose equality it tells."""


def shown(shape: Shape, index: str) -> ColumnElement[bool] | None:
    """Whether every item behind a blind index of a person's row is in clear; None where never."""
    parts: list[ColumnElement[bool]] = []
    for item in sorted(INDEXES[index]):  # one rule may show one of them, another another
        # A share is of one person's records here: it does not lead to the same person elsewhere.
        views = [v for v in shape.rules if item in v.rule.items and not v.rule.shared]
        if not views:
            return None
        if not any(view.always for view in views):
            parts.append(covered(shape.record.table, [view.rule for view in views]))
    return and_(true(), *parts)


def columns_of(index: str) -> tuple[str, ...]:
    """The columns that hold a blind index: one in each set."""
    place = INDEX_SETS[0].index(index)
    return tuple([columns[place] for columns in INDEX_SETS])


def seen_indexes(shape: Shape) -> list[Text]:
    """The blind indexes of a person's row as JSON text, null where an item behind one is masked.

    First those of `INDEXES` in the first set, then in the second.
    """
    nothing = literal_column("'null'", SqlString())
    found = []
    for columns in zip(*map(columns_of, INDEXES), strict=True):
        for index, column in zip(INDEXES, columns, strict=True):
            allowed = shown(shape, index)
            text = quoted(shape.record.table.c[column])
            found.append(
                written(nothing if allowed is None else case((allowed, text), else_=nothing))
            )
    return found

"""Values of enums, each with its description."""

from typing import Any

import strawberry

__all__ = ["value"]


def value(name: str, description: str) -> Any:
    """A value of an enum. It is stored under the name of the member."""
    return strawberry.enum_value(name, description=description)

"""No message quotes a value."""

from __future__ import annotations

import pytest

from gateway.messages import without_values


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Variable '$i' has invalid value: Expected value of type 'A' to be an object, "
            "found: {'name': '张三', 'a': 'found: x'}.",
            "Variable '$i' has invalid value: Expected value of type 'A' to be an object.",
        ),
        (
            "Variable '$i' has invalid value at .phone: String cannot represent a non string "
            "value: 13912345678",
            "Variable '$i' has invalid value at .phone: String cannot represent a non string "
            "value.",
        ),
        ("ID cannot represent value: {'a':\n 1}", "ID cannot represent value."),
        (
            "Int cannot represent non 32-bit signed integer value: 13912345678",
            "Int cannot represent non 32-bit signed integer value.",
        ),
        (
            "Enum 'E' cannot represent non-enum value: \"张三\".",
            "Enum 'E' cannot represent non-enum value.",
        ),
        ("Value '张'三' does not exist in 'E' enum.", "The value does not exist in 'E' enum."),
        ('Syntax Error: Unexpected String "张三".', "Syntax Error: Unexpected String."),
        ("Syntax Error: Expected ':', found Int 139.", "Syntax Error: Expected ':', found Int."),
        ("Cannot query field 'zzz' on type 'Query'.", "Cannot query field 'zzz' on type 'Query'."),
    ],
)
@pytest.mark.leak(19)
def test_quoted_values_are_left_out(message: str, expected: str) -> None:
    assert without_values(message) == expected

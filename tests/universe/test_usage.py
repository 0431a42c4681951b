"""What a method does with a selector, read from its source."""

from __future__ import annotations

import pytest

from batos.universe.usage import uses


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("return self.deposit_(1)", ("sends",)),
        ("return other.deposit_", ("reads",)),
        ("self.deposit_ = 1", ("writes",)),
        ("self.deposit_ += 1", ("reads", "writes")),
        ("del self.deposit_", ("writes",)),
        ("self.a.deposit_(self.deposit_)", ("sends", "reads")),
        ("return getattr(self, 'deposit_')", ("reads",)),
        ("return getattr(self, 'depo' 'sit_', 3)", ("reads",)),
        ("return hasattr(self, 'deposit_')", ("reads",)),
        ("setattr(self, 'deposit_', 1)", ("writes",)),
        ("self.setSlot_value_('deposit_', 1)", ("writes",)),
        ("return [one.deposit_(1) for one in self.all]", ("sends",)),
        # The same letters, and another thing.
        ("return 'deposit_'", ()),
        ("# self.deposit_(1)\n    return 1", ()),
        ("deposit_ = 1\n    return deposit_", ()),
        ("return self.deposit_all", ()),
        ("return deposit_('deposit_')", ()),
        ("return self.say_('deposit_')", ()),
        ("return self.say_(deposit_=1)", ()),
        ("return getattr(self, deposit_)", ()),
        ("return getattr('deposit_')", ()),
        ("return self.f()('deposit_')", ()),
    ],
)
def test_attributes_and_constant_names_count_and_mere_text_does_not(
    body: str, how: tuple[str, ...]
) -> None:
    assert uses(f"def f(self, other):\n    {body}", "deposit_") == how


@pytest.mark.parametrize("source", ["def f(self:", "a\0b", "-" * 100_000 + "1", "(" * 5000])
def test_what_is_no_python_uses_nothing(source: str) -> None:
    assert uses(source, "deposit_") == ()

"""Every error is told of in the reference, with its exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batos import errors
from batos.errors import BatosError

TABLE = Path(__file__).parents[1] / "docs" / "reference" / "errors-and-exit-codes.md"
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, BatosError) and kind is not BatosError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_reference_has_the_error_with_its_exit_code(kind: type[BatosError]) -> None:
    row = re.search(rf"^\| `{kind.__name__}` \| (\d+) \|", TABLE.read_text(), re.MULTILINE)

    assert row is not None
    assert int(row[1]) == kind.exit_code

"""A blob has no digest of its own; the mind's card has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.errors import Damaged
from batos.universe.blobs import path_of
from batos.universe.universe import open_universe
from batos.universe.verifying import verify


def test_weights_that_are_not_what_their_card_says_are_found(universe_path: Path) -> None:
    verify(universe_path)
    universe = open_universe(universe_path)
    with universe.transaction() as root:
        weights = path_of(root["pLLM_obj"].model_blob)
    universe.close()
    weights.chmod(0o600)
    weights.write_bytes(b"X" + weights.read_bytes()[1:])

    with pytest.raises(Damaged, match="the weights of pLLM_obj have another SHA-256"):
        verify(universe_path)

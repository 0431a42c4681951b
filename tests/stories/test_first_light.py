"""The first story with the real embedded mind."""

from __future__ import annotations

import ast
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import batos
from batos.synthesis.examples import Example, agrees
from batos.synthesis.growth import Asking
from batos.workbench.literals import example_of
from batos.workbench.tour import LEARNING

pytestmark = pytest.mark.weights

_NUMBERS = itertools.count()
SHAPES = [
    Example((), 6, given={"width": 2, "height": 3}),
    Example((), 20, given={"width": 5, "height": 4}),
    Example((), 7, given={"width": 1, "height": 7}),
]


def test_the_mind_writes_a_method_that_is_right_where_nobody_looked(
    tmp_path: Path, smollm2_path: Path
) -> None:
    asking = Asking("auto", samples=8, seed=7)
    with batos.awaken(
        tmp_path / "my.universe", str(smollm2_path), trust="unwalled"
    ) as universe:
        with universe.transaction() as root:
            root["sheet"] = root["genesis_obj"].clone(width=3, height=4)

        area = universe.send("sheet", "area", examples=SHAPES, asking=asking)

        assert area == 12
        with universe.transaction() as root:
            root["sheet"].width = 11
        assert universe.send("sheet", "area", mode="off") == 44


def test_the_mind_is_loaded_by_the_first_thought_and_unloaded_on_demand(
    tmp_path: Path, smollm2_path: Path
) -> None:
    with batos.awaken(tmp_path / "my.universe", str(smollm2_path)) as universe:
        before = universe.mind_loaded
        with universe.transaction() as root:
            said = root["pLLM_obj"].infer_("The capital of France is")
        thinking = universe.mind_loaded
        universe.unload()

        assert (before, thinking, universe.mind_loaded) == (False, True, False)
        assert isinstance(said, str)
        assert said


def test_the_tour_tells_its_story_and_leaves_a_universe_that_goes_on(
    tmp_path: Path, smollm2_path: Path
) -> None:
    folder = tmp_path / "tour.universe"

    told = _batos("tour", str(folder))

    assert told.returncode == 0, told.stderr
    log = json.loads(_batos("-u", str(folder), "log", "--json").stdout)
    assert _batos("-u", str(folder), "undo", log[0]["tid"]).returncode == 0  # the tour's undo
    grew = {tuple(one["note"].partition("(")[0].split()) for one in log if one["grew"]}
    story = [words for scene in LEARNING for words in scene.commands]
    born = {words[2]: words[3:] for words in story if words[0] == "clone"}
    stood = [words for words in story if words[1:3] in grew]
    assert stood, "no method stood in the whole tour"
    for words in stood:
        for text in words[words.index("-e") + 1 :: 2]:
            _replay(folder, words[1], born[words[1]], words[2], example_of(text))


def test_a_tour_in_which_little_stands_is_told_to_its_end(
    tmp_path: Path, smollm2_path: Path
) -> None:
    told = _batos("tour", str(tmp_path / "tour.universe"), BATOS_SAMPLES="1")

    assert told.returncode == 0, told.stderr
    assert "Go on yourself" in told.stdout


def _replay(
    folder: Path, prototype: str, born: tuple[str, ...], selector: str, example: Example
) -> None:
    """Show a grown method an example again, on a fresh clone, through the command line."""
    slots = [*born, *(f"{slot}={value!r}" for slot, value in example.given.items())]
    name = f"again{next(_NUMBERS)}"
    assert _batos("-u", str(folder), "clone", prototype, name, *slots).returncode == 0
    words = ("send", name, selector, *map(repr, example.args))
    said = _batos("-u", str(folder), *words, "--mode", "off")
    assert said.returncode == 0, said.stderr
    assert agrees(example.result, ast.literal_eval(said.stdout))
    for slot, value in example.after.items():
        left = _batos("-u", str(folder), "send", name, slot, "--mode", "off")
        assert agrees(value, ast.literal_eval(left.stdout))


def _batos(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batos", *words],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("BATOS_")}
        | settings,
    )

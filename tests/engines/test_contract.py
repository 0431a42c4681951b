"""One suite that every engine passes: what `Engine` promises, seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batos.engines.child import mind_argv
from batos.engines.contract import Completion, Engine, Request, Scripted
from batos.engines.llama_cpp import LlamaCpp
from batos.errors import EngineFailed

TALE = "Once upon a time there was a fox that sang to the moon, and it was good at that. "
VARIED = [TALE, TALE.replace("fox", "bat"), TALE.replace("moon", "sun"), TALE.upper()]
LENGTH = 300  # too long to be over before one can say "enough"
TALES = [tale * LENGTH for tale in VARIED]
IN_A_CHILD = (
    f"Service(control, Scripted([tale * {LENGTH} for tale in {VARIED!r}]))"
    ".serve(opening['idle_s'])"
)

COUNT = Request("1 2 3 4 5 6 7", max_tokens=12, temperature=0, seed=0)
TELL = Request("Once upon a time", n=4, max_tokens=16, temperature=1.0, seed=7)


@pytest.fixture(
    params=[
        "scripted",
        "scripted in a child",
        pytest.param("llama.cpp", marks=pytest.mark.weights),
        pytest.param("llama.cpp in a child", marks=pytest.mark.weights),
    ]
)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = _engine(request, tmp_path)
    yield engine
    engine.close()


def _engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "scripted":
        return Scripted(TALES)
    start_children: Any = request.getfixturevalue("start_children")
    if request.param == "scripted in a child":
        child: Engine = start_children(IN_A_CHILD)
        return child
    weights: Path = request.getfixturevalue("smollm2_path")
    if request.param == "llama.cpp":
        return LlamaCpp(weights)
    in_child: Engine = start_children.engine(mind_argv([weights], tmp_path), weights)
    return in_child


class Heard:
    """Keeps what it is told, and says "enough" after so many pieces."""

    def __init__(self, n: int, enough: int = 1_000) -> None:
        self.texts = [""] * n
        self.pieces = 0
        self._enough = enough

    def __call__(self, choice: int, text: str) -> bool:
        self.texts[choice] += text
        self.pieces += 1
        return self.pieces >= self._enough


# --- completions ---------------------------------------------------------------------------


def test_a_request_has_as_many_completions_as_it_asks_for(engine: Engine) -> None:
    completions = engine.complete(TELL)

    assert len(completions) == 4
    assert all(completion.text for completion in completions)


def test_samples_of_one_request_differ(engine: Engine) -> None:
    texts = {completion.text for completion in engine.complete(TELL)}

    assert len(texts) == 4


def test_the_same_request_and_seed_give_the_same_completions(engine: Engine) -> None:
    first = engine.complete(TELL)
    engine.complete(replace(TELL, prompt="Once upon another time", seed=8))
    second = engine.complete(TELL)
    engine.unload()
    after_loading_again = engine.complete(TELL)

    assert first == second == after_loading_again


def test_each_completion_counts_its_own_tokens(engine: Engine) -> None:
    completions = engine.complete(replace(TELL, max_tokens=5))

    assert [completion.tokens for completion in completions] == [5] * 4
    assert [completion.finish for completion in completions] == ["length"] * 4


def test_one_token_is_the_least(engine: Engine) -> None:
    (completion,) = engine.complete(replace(COUNT, max_tokens=1))

    assert completion.tokens == 1


def test_a_completion_ends_before_a_stop_text(engine: Engine) -> None:
    (whole,) = engine.complete(COUNT)
    stop = whole.text[len(whole.text) // 2 :][:3]

    (cut,) = engine.complete(replace(COUNT, stop=("never said", stop)))

    assert cut.text == whole.text.partition(stop)[0]
    assert cut.finish == "stop"
    assert cut.tokens <= whole.tokens


# --- streaming -----------------------------------------------------------------------------


def test_the_pieces_of_each_completion_add_up_to_its_text(engine: Engine) -> None:
    heard = Heard(4)

    completions = engine.complete(replace(TELL, stop=("fox", "the")), heard)

    assert heard.texts == [completion.text for completion in completions]
    assert heard.pieces > 4


def test_listening_changes_nothing(engine: Engine) -> None:
    assert engine.complete(TELL, Heard(4)) == engine.complete(TELL)


def test_cancelling_returns_what_there_is(engine: Engine) -> None:
    heard = Heard(1, enough=3)

    (completion,) = engine.complete(replace(TELL, n=1, max_tokens=4_000), heard)

    assert completion.finish == "cancelled"
    assert completion.text.startswith(heard.texts[0])
    assert heard.pieces == 3  # nothing was said after "enough"
    assert completion.tokens < 4_000


def test_what_a_listener_raises_comes_out_and_the_engine_goes_on(engine: Engine) -> None:
    def listener(choice: int, text: str) -> None:
        raise LookupError(f"from the listener, at choice {choice}")

    with pytest.raises(LookupError, match="from the listener"):
        engine.complete(TELL, listener)

    assert len(engine.complete(TELL)) == 4


# --- failing -------------------------------------------------------------------------------


def test_a_deadline_ends_a_request_and_the_engine_goes_on(engine: Engine) -> None:
    with pytest.raises(EngineFailed, match="give it more time"):
        engine.complete(replace(TELL, timeout_s=0.000_1))

    assert len(engine.complete(TELL)) == 4


def test_a_closed_engine_says_so(engine: Engine) -> None:
    engine.complete(COUNT)
    engine.close()
    engine.close()

    with pytest.raises(EngineFailed, match="closed"):
        engine.complete(COUNT)
    assert not engine.loaded


# --- memory --------------------------------------------------------------------------------


def test_the_first_request_loads_and_unloading_is_not_the_end(engine: Engine) -> None:
    states = [engine.loaded]
    engine.complete(COUNT)
    states.append(engine.loaded)
    engine.unload()
    engine.unload()
    states.append(engine.loaded)
    engine.complete(COUNT)
    states.append(engine.loaded)

    assert states == [False, True, False, True]


def test_threads_may_ask_at_once(engine: Engine) -> None:
    requests = [replace(TELL, n=2, seed=seed) for seed in (1, 2, 3, 1)]
    alone = [engine.complete(request) for request in requests]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(engine.complete, requests))

    assert together == alone


# --- requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("prompt", ""),
        ("prompt", "half a pair: \ud800"),
        ("n", 0),
        ("max_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("seed", -1),
        ("seed", 2**31),
        ("stop", ("",)),
        ("stop", "one text"),
        ("timeout_s", 0.0),
        ("timeout_s", float("inf")),
    ],
)
def test_a_request_that_cannot_be_is_refused_by_name(part: str, value: object) -> None:
    parts: dict[str, Any] = {"prompt": "say", part: value}

    with pytest.raises(ValueError, match=f"^{part}=.*: wanted "):
        Request(**parts)


# --- the script ----------------------------------------------------------------------------


def test_a_script_may_look_at_the_request() -> None:
    engine = Scripted(lambda request, choice: f"{request.prompt} {choice}")

    completions = engine.complete(Request("echo", n=2))

    assert completions == [Completion("echo 0", "stop", 2), Completion("echo 1", "stop", 2)]
    assert [request.prompt for request in engine.requests] == ["echo"]


def test_a_sample_that_has_ended_is_not_cancelled() -> None:
    heard = Heard(2, enough=3)

    completions = Scripted(["short", "a longer one"]).complete(Request("say", n=2), heard)

    assert [completion.finish for completion in completions] == ["stop", "cancelled"]
    assert [completion.text for completion in completions] == ["short", "a longer"]

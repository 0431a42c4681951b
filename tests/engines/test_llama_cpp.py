"""llama.cpp in this process: what its library does otherwise than an engine may."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from batos.engines import llama_server
from batos.engines.contract import Request
from batos.engines.llama_cpp import LlamaCpp
from batos.engines.llama_server import LlamaOptions
from batos.errors import EngineFailed

PYTHON = (
    "# add_ adds a number: add_(2) with total 3 -> total 5, returns 5\n"
    "def add_(self, number):\n    self.total += number\n    return self.total\n\n"
)
WRITE = Request(PYTHON + "def double_(self):", n=8, max_tokens=24, seed=3, stop=("\ndef",))

weights = pytest.mark.weights


def memory_mb() -> int:
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1]) // 1024


@weights
def test_a_long_prompt_is_refused_with_its_length_and_the_limit(smollm2_path: Path) -> None:
    engine = LlamaCpp(smollm2_path, options=LlamaOptions(context_tokens=512))

    with pytest.raises(EngineFailed, match=r"has 9\d\d tokens, and 512 are the most; shorten"):
        engine.complete(Request("word " * 900))
    assert engine.complete(WRITE)[0].text
    engine.close()


@weights
def test_samples_that_fill_the_pool_are_refused_and_the_engine_goes_on(
    smollm2_path: Path,
) -> None:
    options = LlamaOptions(context_tokens=256, pool_tokens=256, parallel=4)
    engine = LlamaCpp(smollm2_path, options=options)

    with pytest.raises(EngineFailed, match="take more than 256 tokens; ask for fewer"):
        engine.complete(Request("1 2 3 4 5 6 7 " * 8, n=4, max_tokens=60, temperature=0))
    assert engine.complete(replace(WRITE, n=2))[0].text
    engine.close()


def test_too_many_samples_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    engine = LlamaCpp(tmp_path / "none.gguf")

    with pytest.raises(EngineFailed, match="17 samples at once are too many: 16 at most"):
        engine.complete(Request("say", n=17))
    with pytest.raises(EngineFailed, match=r"16 samples of 1000 tokens do not fit into 8192"):
        engine.complete(Request("say", n=16, max_tokens=1000))


@pytest.mark.parametrize("content", [b"", b"x" * 1000, b"GGUF" + bytes(100)])
def test_a_file_that_is_no_gguf_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)

    with pytest.raises(EngineFailed, match=r"bad\.gguf is refused as weights"):
        LlamaCpp(path).complete(WRITE)


@weights
def test_a_truncated_file_is_named(smollm2_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    with smollm2_path.open("rb") as whole:
        path.write_bytes(whole.read(5_000_000))

    with pytest.raises(EngineFailed, match=r"cut\.gguf is refused as weights"):
        LlamaCpp(path).complete(WRITE)


@weights
def test_a_model_that_llama_cpp_does_not_know_is_named(
    smollm2_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "strange.gguf"
    content = smollm2_path.read_bytes()
    path.write_bytes(content.replace(b"llama", b"lemma", 1))

    with pytest.raises(EngineFailed, match=r"cannot load .*strange\.gguf.*smaller weights"):
        LlamaCpp(path).complete(WRITE)
    assert capfd.readouterr() == ("", "")


@weights
def test_it_says_nothing_on_the_terminal(
    smollm2_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = LlamaCpp(smollm2_path)
    engine.complete(WRITE)
    engine.close()

    assert capfd.readouterr() == ("", "")


@weights
def test_a_seed_gives_the_same_whatever_was_asked_before(smollm2_path: Path) -> None:
    """A warm cache, or a cache filled elsewhere, used to change words in the middle."""
    engine = LlamaCpp(smollm2_path)
    request = replace(WRITE, n=4, max_tokens=16, prompt=PYTHON * 3 + "def double_(self):")
    first = engine.complete(request)
    others = (replace(request, seed=None), replace(request, n=3, seed=4, max_tokens=5))
    for other in (*others, replace(WRITE, prompt="Something else", n=16, seed=None)):
        engine.complete(other)
        assert engine.complete(request) == first
    engine.close()

    another = LlamaCpp(smollm2_path)
    assert another.complete(request) == first
    another.close()


@weights
def test_tokens_are_counted_for_each_of_several_samples(smollm2_path: Path) -> None:
    engine = LlamaCpp(smollm2_path)
    completions = engine.complete(replace(WRITE, n=8, max_tokens=60))
    engine.close()

    ended = {completion.tokens for completion in completions if completion.finish == "length"}
    assert ended <= {60}
    assert all(0 < completion.tokens <= 60 for completion in completions)
    assert sum(len(completion.text) for completion in completions) > len(completions)


@weights
def test_unloading_gives_the_memory_back(smollm2_path: Path) -> None:
    engine = LlamaCpp(smollm2_path)
    engine.complete(replace(WRITE, n=1))
    engine.unload()  # what the library itself takes stays
    before = memory_mb()
    engine.complete(replace(WRITE, n=1))
    loaded = memory_mb()
    engine.unload()
    after = memory_mb()

    assert loaded - before > 100
    assert after - before < 30
    engine.close()


def test_the_listener_is_born_where_nobody_else_may_enter(tmp_path: Path) -> None:
    with llama_server.listening_place(tmp_path) as path:
        folder = Path(path).parent
        mode = stat.S_IMODE(folder.stat().st_mode)

    assert mode == 0o700
    assert list(tmp_path.iterdir()) == []


def test_a_deep_folder_is_reached_by_a_short_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)

    with (
        pytest.raises(EngineFailed, match="socket would be too long"),
        llama_server.listening_place(deep),
    ):
        pass
    monkeypatch.chdir(deep)
    with llama_server.listening_place(deep) as path:
        assert len(os.fsencode(path)) < 50

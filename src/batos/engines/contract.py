"""What every engine does: a request in, its completions out.

An engine knows nothing of objects, personas or prompts' meaning. Whatever implements
`Engine` passes the one suite in `tests/engines/test_contract.py`, which says the same as
this page. `Scripted` is the smallest engine: it thinks of nothing, and answers at once.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from batos.errors import AdapterRefused, EngineFailed

Finish = Literal["stop", "length", "cancelled"]

OnText = Callable[[int, str], bool | None]
"""Called with a choice's index and its new text. Returning True cancels the request."""

_MAX_SEED = 2**31 - 1  # every backend's seeds reach that far


@dataclass(frozen=True)
class Request:
    """What to complete, and how.

    With a seed, the same request is completed in the same way by the same engine. The
    samples of one request differ all the same.

    Raises:
        ValueError: A part is not what it has to be.
    """

    prompt: str
    n: int = 1  # samples of this one prompt
    max_tokens: int = 256  # of each sample
    temperature: float = 0.8  # 0 takes the likeliest token each time
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()  # a sample ends before the first of these
    timeout_s: float = 120.0  # of the whole request, loading included
    adapter: str | None = None  # the name of one that was admitted; None: the bare base

    def __post_init__(self) -> None:
        _want("prompt", self.prompt, _is_text(self.prompt), "Unicode text, not empty")
        _want("n", self.n, self.n >= 1, "at least 1")
        _want("max_tokens", self.max_tokens, self.max_tokens >= 1, "at least 1")
        warm = 0 <= self.temperature < math.inf
        _want("temperature", self.temperature, warm, "0 or more")
        _want("top_p", self.top_p, 0 < self.top_p <= 1, "more than 0, and 1 at most")
        seeded = self.seed is None or 0 <= self.seed <= _MAX_SEED
        _want("seed", self.seed, seeded, f"None, or 0 to {_MAX_SEED}")
        texts = isinstance(self.stop, tuple) and all(map(_is_text, self.stop))
        _want("stop", self.stop, texts, "a tuple of texts, none of them empty")
        timely = 0 < self.timeout_s < math.inf
        _want("timeout_s", self.timeout_s, timely, "more than 0 seconds")
        named = self.adapter is None or _is_text(self.adapter)
        _want("adapter", self.adapter, named, "None, or a name")


@dataclass(frozen=True)
class Adapter:
    """LoRA weights beside a mind's own, in their canonical form: as PEFT saves them."""

    name: str  # immutable: other weights get another name
    path: Path  # safetensors
    sha256: str
    config: Mapping[str, object]  # PEFT's, plain data
    pinned: bool = False  # it stays where it is quick to reach


@dataclass(frozen=True)
class Completion:
    """One sample."""

    text: str
    finish: Finish
    tokens: int  # that were generated for this sample, those of a stop text included


@dataclass(frozen=True)
class Report:
    """What an engine holds, and what came of looking for adapters since it was loaded."""

    loaded: bool = False
    known: int = 0  # adapters that were admitted
    resident: tuple[str, ...] = ()  # adapters in the engine, least recently used first
    resident_bytes: int = 0
    derived_bytes: int = 0  # of files that they are loaded from
    hits: int = 0  # a request's adapter was resident
    misses: int = 0
    evicted: int = 0
    seconds: float = 0.0  # that misses took


class Engine(Protocol):
    """A mind's weights, ready to think. Safe to use from several threads."""

    def admit(self, adapter: Adapter) -> None:
        """Let requests name an adapter from now on; the first that does loads it.

        It may be admitted again, and while requests run.

        Raises:
            AdapterRefused: Another adapter has this name: names are for good.
        """

    def complete(self, request: Request, on_text: OnText | None = None) -> list[Completion]:
        """Return the request's n completions; the first request loads the weights.

        Args:
            request: What to complete.
            on_text: Told about new text as it comes, by index of the completion; the
                pieces of one completion add up to its text. After it has asked to cancel,
                it is told nothing more; whatever has not finished by then is returned as
                "cancelled", with the text so far. An exception that it raises also cancels,
                and comes out here.

        Raises:
            EngineFailed: The weights cannot be loaded, the request does not fit, or its
                time is over. The engine can be asked again.
        """

    def unload(self) -> None:
        """Give the memory back; the next request loads again."""

    def close(self) -> None:
        """Give everything back; a later request fails."""

    def report(self) -> Report:
        """Return what it holds."""

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""


Script = Callable[[Request, int], str]
"""What `Scripted` answers to a request, by index of the completion."""


def deadline_passed(request: Request) -> EngineFailed:
    """Return the error for a request whose time is over."""
    return EngineFailed(
        f"the request was not complete after {request.timeout_s:g} s; give it more time,"
        " or ask for fewer or shorter samples"
    )


def engine_closed() -> EngineFailed:
    """Return the error for a request to an engine that was closed."""
    return EngineFailed("the engine is closed; open another")


def not_admitted(adapter: str) -> EngineFailed:
    """Return the error for a request whose adapter nobody admitted."""
    return EngineFailed(f"no adapter {adapter!r} was admitted; admit it, or ask without one")


def refuse_renamed(known: Adapter | None, adapter: Adapter) -> None:
    """Refuse other weights under a name that is known.

    Raises:
        AdapterRefused: An engine, or a server's cache, would take them for the old ones.
    """
    if known is not None and (known.sha256, known.config) != (adapter.sha256, adapter.config):
        why = "another adapter has this name already, and names are for good"
        raise AdapterRefused(adapter.name, why)


class Scripted:
    """An engine that answers from a script, a word at a time.

    >>> engine = Scripted(["one two", "three"])
    >>> [completion.text for completion in engine.complete(Request("count", n=3))]
    ['one two', 'three', 'one two']

    Its tokens are words with the space before them.
    """

    def __init__(self, answers: Sequence[str] | Script) -> None:
        """Answer sample i with `answers[i]`, beginning anew at the end, or with
        `answers(request, i)`."""
        self.requests: list[Request] = []  # all that were asked
        self._adapters: dict[str, Adapter] = {}
        self._answer = _script(answers)
        self._lock = threading.Lock()
        self._loaded = False
        self._closed = False

    def admit(self, adapter: Adapter) -> None:
        """Know its name."""
        refuse_renamed(self._adapters.get(adapter.name), adapter)
        self._adapters[adapter.name] = adapter

    def complete(self, request: Request, on_text: OnText | None = None) -> list[Completion]:
        """Return what the script says."""
        ends = time.monotonic() + request.timeout_s
        with self._lock:
            if self._closed:
                raise engine_closed()
            if request.adapter is not None and request.adapter not in self._adapters:
                raise not_admitted(request.adapter)
            self.requests.append(request)
            self._loaded = True
            samples = [_Sample(self._answer(request, i), request) for i in range(request.n)]
            cancelled = False
            for choice, sample in _in_turns(samples):
                if time.monotonic() > ends:
                    raise deadline_passed(request)
                piece = sample.next_piece()
                if on_text is not None and on_text(choice, piece):
                    cancelled = True
                    break
        return [sample.completion(cancelled) for sample in samples]

    def unload(self) -> None:
        """Forget that it was loaded."""
        with self._lock:
            self._loaded = False

    def close(self) -> None:
        """Answer nothing from now on."""
        self.unload()
        self._closed = True

    def report(self) -> Report:
        """Return which adapters it knows; it needs none of their weights."""
        return Report(self._loaded, len(self._adapters), tuple(self._adapters))

    @property
    def loaded(self) -> bool:
        """Whether it was asked since it was last unloaded."""
        return self._loaded


def _script(answers: Sequence[str] | Script) -> Script:
    if isinstance(answers, Sequence):
        texts: Sequence[str] = answers
        return lambda _request, choice: texts[choice % len(texts)]
    return answers


class _Sample:
    """One scripted answer on its way out."""

    def __init__(self, answer: str, request: Request) -> None:
        ends = [at for at in map(answer.find, request.stop) if at >= 0]
        words: list[str] = re.findall(r"\s*\S+|\s+$", answer[: min(ends, default=None)])
        self.pieces = words[: request.max_tokens]
        self.said = 0
        self._finish: Finish = "length" if len(words) > request.max_tokens else "stop"

    def next_piece(self) -> str:
        self.said += 1
        return self.pieces[self.said - 1]

    def completion(self, cancelled: bool) -> Completion:
        unfinished = cancelled and self.said < len(self.pieces)
        text = "".join(self.pieces[: self.said])
        return Completion(text, "cancelled" if unfinished else self._finish, self.said)


def _in_turns(samples: list[_Sample]) -> Iterator[tuple[int, _Sample]]:
    """Yield each sample as often as it has pieces, all of them by turns."""
    for turn in range(max(len(sample.pieces) for sample in samples)):
        for choice, sample in enumerate(samples):
            if turn < len(sample.pieces):
                yield choice, sample


def _want(key: str, value: object, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{key}={value!r}: wanted {wanted}")


def _is_text(value: object) -> bool:
    """Tell whether a value is text that can be written as UTF-8, and not empty."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True

"""Errors about minds: weights, where they come from, and the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from batos.errors.root import BatosError


@dataclass(eq=False)
class MindMissing(BatosError):
    """Weights are needed that are not here."""

    exit_code: ClassVar[int] = 7

    mind: str
    why: str

    def __str__(self) -> str:
        return f"No weights for the mind {self.mind!r}: {self.why}."


@dataclass(eq=False)
class PullFailed(BatosError):
    """Weights could not be brought here; nothing half-done was kept as a mind."""

    exit_code: ClassVar[int] = 7

    mind: str
    why: str  # what went wrong and what to do about it

    def __str__(self) -> str:
        return f"Could not pull {self.mind!r}: {self.why}."


@dataclass(eq=False)
class PullInterrupted(PullFailed):
    """Somebody stopped a pull; what came so far is kept for the next one."""

    exit_code: ClassVar[int] = 130


@dataclass(eq=False)
class MindNameRefused(BatosError, ValueError):
    """A mind cannot be added under this name."""

    exit_code: ClassVar[int] = 2

    name: str
    why: str

    def __str__(self) -> str:
        return f"The name {self.name!r} is refused: {self.why}. Choose another with `--name`."


@dataclass(eq=False)
class WeightsRefused(BatosError, ValueError):
    """A file is not weights that the engine can read."""

    exit_code: ClassVar[int] = 7

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} is refused as weights: {self.why}. Use a complete .gguf file."


@dataclass(eq=False)
class WeightsDamaged(BatosError):
    """A universe's weights are not what they were when they came in."""

    exit_code: ClassVar[int] = 7

    path: str
    why: str

    def __str__(self) -> str:
        return (
            f"The weights in {self.path} are damaged: {self.why}. The objects are not"
            " concerned. Restore this file from a backup of the universe;"
            " `batos verify` says what else is damaged."
        )


@dataclass(eq=False)
class EngineFailed(BatosError):
    """The engine could not load, or could not complete a request."""

    exit_code: ClassVar[int] = 7

    why: str

    def __str__(self) -> str:
        return f"The mind could not think: {self.why}."


@dataclass(eq=False)
class AdapterRefused(BatosError, ValueError):
    """A file is no adapter that this mind can wear."""

    exit_code: ClassVar[int] = 7

    adapter: str  # its name, or its file
    why: str

    def __str__(self) -> str:
        return (
            f"The adapter {self.adapter} is refused: {self.why}. Nothing was changed. Give a"
            " LoRA adapter that PEFT saved as safetensors, trained on this mind's weights."
        )


@dataclass(eq=False)
class AdapterMissing(BatosError, LookupError):
    """No adapter has this name, or a role needs one that is not there."""

    exit_code: ClassVar[int] = 2

    adapter: str
    why: str

    def __str__(self) -> str:
        return (
            f"There is no adapter {self.adapter!r} to use: {self.why}."
            " `batos mind adapter list` shows what there is."
        )


@dataclass(eq=False)
class AdapterNameRefused(BatosError, ValueError):
    """An adapter or a role cannot be called so, or the name cannot be let go."""

    exit_code: ClassVar[int] = 2

    name: str
    why: str

    def __str__(self) -> str:
        return f"The name {self.name!r} is refused: {self.why}."

"""`batos mind adapter` and `batos mind status`: what a mind wears, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batos.workbench.options import Options, command, group
from batos.workbench.tables import table

if TYPE_CHECKING:
    from batos.personas.adapters import Kept
    from batos.uvm import Uvm

_TRIAL = "Once upon a time"


@group("adapter")
def adapter() -> None:
    """LoRA adapters of a universe's mind: take them in, let roles wear them.

    Example: batos mind adapter add trained/ --name brick
    """


@adapter.command("add")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--name", required=True, help="What to call it; a number is added.")
@click.option("--role", help="Who wears it from now on.")
@click.option("--pin", is_flag=True, help="Once it is in memory it stays there.")
@click.pass_obj
def add_command(options: Options, source: Path, name: str, role: str | None, pin: bool) -> None:
    """Take an adapter that PEFT saved into the universe: a folder, or its .safetensors file.

    It is checked against the mind's weights and copied. Names are for good: another adapter of
    the same name gets the next number.

    Example: batos mind adapter add trained/ --name brick --role toolsmith
    """
    with options.open() as universe:
        kept = universe.adapters.add(source, name, role=role, pinned=pin)
    options.answer(_shown(kept), kept)


@adapter.command("list")
@click.pass_obj
def list_command(options: Options) -> None:
    """List the adapters of the mind, and who wears them.

    Example: batos mind adapter list
    """
    with options.open(read_only=True) as universe:
        found = universe.adapters.list()
    options.answer(_listed(found) or "The mind has no adapters.", found)


@adapter.command("show")
@click.argument("name")
@click.pass_obj
def show_command(options: Options, name: str) -> None:
    """Show one adapter, such as brick@1.

    Example: batos mind adapter show brick@1
    """
    with options.open(read_only=True) as universe:
        kept = universe.adapters.get(name)
    options.answer(_shown(kept), kept)


@adapter.command("wear")
@click.argument("name")
@click.option("--role", required=True, help="Who wears it: toolsmith writes methods.")
@click.pass_obj
def wear_command(options: Options, name: str, role: str) -> None:
    """Let a role wear an adapter from now on; the name none takes it off.

    Example: batos mind adapter wear brick@1 --role toolsmith
    """
    worn = None if name == "none" else name
    with options.open() as universe:
        universe.adapters.wear(role, worn)
    said = f"{role} wears {worn}." if worn else f"{role} wears no adapter."
    options.answer(said, {"role": role, "adapter": worn})


@adapter.command("remove")
@click.argument("name")
@click.pass_obj
def remove_command(options: Options, name: str) -> None:
    """Let an adapter go that nobody wears; `batos undo` brings it back.

    Example: batos mind adapter remove brick@1
    """
    with options.open() as universe:
        universe.adapters.remove(name)
    options.answer(f"{name} is removed.", {"removed": name})


@command("status")
@click.option(
    "--think", is_flag=True, help="Load the mind and let each worn adapter say a bit."
)
@click.pass_obj
def status(options: Options, think: bool) -> None:
    """Show what the mind holds in memory, and how fast it thinks.

    A command has a mind of its own, which is not loaded before it thinks.

    Example: batos mind status
    """
    with options.open(read_only=not think) as universe:
        if think:
            _let_think(universe)
        kept = universe.adapters.list()
        thinking = universe.thinking()
    engine = thinking.engine
    tokens_per_s = thinking.tokens / thinking.seconds if thinking.seconds else None
    speed = f"{tokens_per_s:.0f} tokens/s" if tokens_per_s else "has not thought yet"
    lines = [
        f"in memory: {'yes' if engine.loaded else 'no'}, {speed}",
        f"adapters in memory: {', '.join(engine.resident) or 'none'}"
        f" ({_megabytes(engine.resident_bytes)} of {_megabytes(sum(it.bytes for it in kept))},"
        f" {engine.hits} found there, {engine.misses} brought in {engine.seconds:.2f} s)",
        _listed(kept),
    ]
    data = {"engine": engine, "tokens_per_s": tokens_per_s, "adapters": kept}
    options.answer("\n".join(line for line in lines if line), data)


def _let_think(universe: Uvm) -> None:
    """Ask the mind once for each role that wears an adapter, and once without."""
    from batos.engines.contract import Request  # noqa: PLC0415  (`--help` stays quick)
    from batos.kernel.message import send  # noqa: PLC0415  (as above)

    if universe.why_no_walls is None:
        universe.wall_in()
    worn = {role: it.name for it in universe.adapters.list() for role in it.roles}
    for name in (None, *worn.values()):
        with universe.transaction() as root:
            request = Request(_TRIAL, max_tokens=32, adapter=name)
            send(root["pLLM_obj"], "infer_", request)


def _listed(found: list[Kept]) -> str:
    rows = [
        (
            it.name,
            _megabytes(it.bytes),
            str(it.rank),
            ", ".join(it.roles),
            "pinned" if it.pinned else "",
            "" if it.fits else "for other weights",
        )
        for it in found
    ]
    header = ("adapter", "size", "rank", "worn by", "stays", "but")
    return table(rows, header) if rows else ""


def _shown(kept: Kept) -> str:
    worn = f"worn by {', '.join(kept.roles)}" if kept.roles else "worn by nobody"
    return (
        f"{kept.name}: rank {kept.rank}, {_megabytes(kept.bytes)}, {worn}\n"
        f"  changes {', '.join(kept.modules)}\n"
        f"  sha256 {kept.sha256}\n"
        f"  for weights with sha256 {kept.base_sha256}"
        + ("" if kept.fits else ", which are not the mind's any more")
    )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"

"""`batos mind` answers on stdout, and tells progress on stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batos.engines import catalog
from batos.engines.catalog import Entry
from batos.errors import MindMissing, WeightsRefused
from batos.workbench.mind_commands import mind
from batos.workbench.options import Options


def run(options: Options, *arguments: str) -> Result:
    return CliRunner().invoke(mind, arguments, obj=options)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATOS_CACHE", str(tmp_path / "cache"))
    return Options()


def test_list_shows_what_can_be_pulled(options: Options) -> None:
    result = run(options, "list")

    head, first = result.stdout.splitlines()
    assert head.split() == ["NAME", "SIZE", "HERE", "LICENCE", "SOURCE"]
    assert first.split()[:5] == ["smollm2", "98", "MB", "no", "Apache-2.0"]


def test_add_names_a_file_and_list_shows_it(options: Options, model: Path) -> None:
    added = run(options, "add", str(model), "--name", "mine", "--json")

    assert json.loads(added.stdout) == {
        "name": "mine",
        "path": str(model),
        "sha256": json.loads(added.stdout)["sha256"],
        "bytes": model.stat().st_size,
        "source": f"the file {model}",
    }
    listed = json.loads(run(options, "list", "--json").stdout)
    assert [(it["name"], it["here"]) for it in listed] == [("smollm2", False), ("mine", True)]


def test_pulling_what_is_here_answers_where(options: Options, model: Path) -> None:
    run(options, "add", str(model), "--name", "mine")

    result = run(options, "pull", "mine")

    assert result.stdout == f"mine is here: {model} (0 MB)\n"
    assert result.stderr == ""


def test_a_licence_cannot_write_on_the_terminal(
    options: Options, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = Entry("mine", str(model), 4, True, "\x1b[2Jnone")
    monkeypatch.setattr(catalog, "listing", lambda _cache: [evil])

    assert r"\x1b[2Jnone" in run(options, "list").stdout


def test_errors_are_left_to_the_main_command(options: Options, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")

    assert isinstance(run(options, "pull", "nobody").exception, MindMissing)
    assert isinstance(run(options, "add", str(broken)).exception, WeightsRefused)


@pytest.mark.parametrize("command", ["pull", "add", "list"])
def test_each_command_explains_itself_with_an_example(options: Options, command: str) -> None:
    assert f"Example: batos mind {command}" in run(options, command, "--help").stdout

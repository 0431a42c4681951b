"""The command line as a person or a script meets it: each call is a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from batos.errors import MessageNotUnderstood
from batos.kernel.shared import Counter, Queue
from batos.opening import open_uvm
from batos.universe.universe import open_universe

Batos = Callable[..., "subprocess.CompletedProcess[str]"]


def test_help_names_every_command(batos: Batos) -> None:
    found = batos("--help")

    assert found.returncode == 0
    for name in (
        "awaken",
        "send",
        "inspect",
        "source",
        "log",
        "undo",
        "history",
        "diff",
        "restore",
        "pack",
        "forget",
        "mind",
        "tour",
        "doctor",
    ):
        assert f"\n  {name} " in found.stdout


def test_a_known_message_is_answered_on_stdout_without_a_mind(account: Batos) -> None:
    found = account("--json", "send", "account", "double")

    answer = json.loads(found.stdout)
    assert answer["answer"] == 200
    assert answer["mind_was_loaded"] is False
    assert found.stderr == ""


def test_source_shows_the_method_and_who_wrote_it(account: Batos) -> None:
    found = account("source", "account", "double")

    assert found.stdout.startswith("# by: a person\ndef double(self):")


def test_inspect_shows_slots_without_sending(account: Batos) -> None:
    slots = json.loads(account("--json", "inspect", "account").stdout)["slots"]

    assert slots == {
        "parent*": "genesis_obj",
        "balance": "100",
        "double": "method, by a person",
    }


def test_inspect_without_a_name_lists_the_objects(account: Batos) -> None:
    objects = json.loads(account("--json", "inspect").stdout)

    assert {"traits_obj", "pLLM_obj", "genesis_obj", "digital_ether", "account"} <= set(objects)


def test_log_tells_what_happened_and_undo_takes_it_back(account: Batos) -> None:
    account("send", "account", "double")

    newest = json.loads(account("--json", "log").stdout)[0]
    undone = account("undo")

    assert newest["note"] == "account double()"
    assert undone.stdout == "undone: account double()\n"
    assert account("send", "account", "balance").stdout == "100\n"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["send", "nobody", "hello"], 2, "There is no object 'nobody'"),
        (["send", "account", "hello", "--mode", "off"], 3, "does not understand 'hello'"),
        (["send", "account", "no good", "--mode", "auto"], 2, "is refused"),
        (["send", "account", "f_", "1", "-e", "1 => 1", "-e", "1 => 2"], 2, "are refused"),
        (["send", "account", "f_", "1", "-e", "what?"], 2, "write 'arguments => result'"),
        (["send", "account", "fineTuneWith_", "1"], 1, "not here yet"),
        (["send", "account", "balance", "5"], 2, "setSlot_value_ balance VALUE`"),
        (["send", "account", "doesNotUnderstand_", "1"], 1, "a part of batos"),
        (["send"], 2, "Missing argument"),
        (["source", "account", "balance"], 2, "no method with source"),
        (["clone", "genesis_obj", "account"], 2, "already"),
        (["clone", "genesis_obj", "x", "_y=1"], 2, "Python's own"),
        (["undo", "0123456789abcdef"], 6, "there is no such transaction"),
        (["pending", "show", "9"], 2, "no proposal 9"),
        (["awaken"], 1, "exists already"),
        (["clone", "genesis_obj", "a b"], 2, "no name"),
        (
            ["clone", "genesis_obj", "e\x1b[31mvil"],
            2,
            r"'e\x1b[31mvil' is refused: it is no name",
        ),
        (["send", "e\x1b[31m\nvil", "f"], 2, r"'e\x1b[31m\nvil'"),
        (["send", "account", "f_", "1", "--sample", "4"], 2, "No such option"),
        (["log", "-n", "-1"], 2, "Invalid value"),
        (["wrong"], 2, "No such command"),
    ],
)
def test_bad_input_ends_in_one_line_and_its_exit_code(
    account: Batos, words: list[str], code: int, says: str
) -> None:
    found = account(*words)
    told = found.stderr.splitlines()

    assert found.returncode == code
    assert says in found.stderr
    assert told[0].startswith("Usage: ") or len(told) == 1  # click shows how it is written
    assert "\x1b" not in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(("word", "value"), [("-5", -5), ("-1e3", -1000.0), ("-.5", -0.5)])
def test_a_negative_number_is_an_argument(account: Batos, word: str, value: float) -> None:
    source = "def add_(self, much):\n    return much\n"
    account("define", "account", stdin=source)

    found = account("send", "account", "add_", word, "-e", "-1 => -1", "--mode", "off")

    assert found.stdout == f"{value!r}\n"


def test_a_settings_mode_counts_for_every_command_and_script(
    account: Batos, universe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATOS_MODE", "off")

    assert account("send", "account", "unknown").returncode == 3
    with open_uvm(universe_path) as uvm, pytest.raises(MessageNotUnderstood):
        uvm.send("account", "unknown")


@pytest.mark.parametrize(
    ("words", "is_json"),
    [
        (["log", "--json", "--wrong"], True),
        (["log", "--wrong", "--json"], True),
        (["--json", "wrong"], True),
        (["wrong", "--json"], True),
        (["wrong", "word", "--other", "--json"], True),
        (["mind", "wrong", "--json"], True),
        (["wrong", "--", "--json"], False),
        (["--json", "--wrong"], True),
        (["pending", "show", "--json", "many"], True),
        (["log", "--wrong", "--", "--json"], False),
        (["send", "account", "f", "--wrong", "-e", "--json"], False),
    ],
)
def test_a_usage_error_is_json_if_json_was_an_option(
    batos: Batos, words: list[str], is_json: bool
) -> None:
    found = batos(*words)

    assert found.returncode == 2
    assert (found.stderr[0] == "{") is is_json
    if is_json:
        assert json.loads(found.stderr)["exit_code"] == 2


def test_json_that_is_an_argument_is_no_option(account: Batos) -> None:
    account("define", "account", stdin="def say_(self, word):\n    return word\n")

    found = account("send", "account", "say_", "--", "--json")

    assert found.stdout == "'--json'\n"


def test_an_error_is_json_where_json_was_asked_for(account: Batos) -> None:
    found = account("--json", "send", "nobody", "hello")

    assert json.loads(found.stderr)["error"] == "NoSuchObject"


def test_source_that_the_gate_refuses_is_not_installed(account: Batos) -> None:
    found = account("define", "account", stdin="def spy(self):\n    import os\n    return os")

    assert found.returncode == 3
    assert "line 2" in found.stderr
    assert "spy" not in account("inspect", "account").stdout


def test_a_universe_that_is_not_there_says_how_to_make_one(
    tmp_path: Path, batos: Batos
) -> None:
    found = batos("-u", str(tmp_path / "none"), "inspect")

    assert found.returncode == 1
    assert "awaken" in found.stderr


def test_a_universe_in_use_can_be_read_and_not_changed(
    account: Batos, universe_path: Path
) -> None:
    owner = open_universe(universe_path)
    try:
        busy = account("send", "account", "double")
        read = account("inspect", "account")
    finally:
        owner.close()

    assert busy.returncode == 5
    assert str(os.getpid()) in busy.stderr
    assert read.returncode == 0


def test_weights_that_are_none_are_refused_and_nothing_is_made(
    batos: Batos, tmp_path: Path
) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + b"\0" * 60)

    found = batos("-u", str(tmp_path / "new"), "awaken", "--mind", str(tmp_path / "bad.gguf"))

    assert found.returncode == 7
    assert "refused as weights" in found.stderr
    assert not (tmp_path / "new").exists()


def test_a_message_that_needs_broken_weights_says_so_with_its_code(account: Batos) -> None:
    found = account("send", "account", "deposit_", "5", "--mode", "auto")

    assert found.returncode == 7
    assert "could not think" in found.stderr
    assert account("send", "account", "balance").stdout == "100\n"


@pytest.mark.walls
def test_a_method_that_hangs_in_the_end_is_stopped_and_changes_nothing(account: Batos) -> None:
    source = "def hang(self):\n    self.balance = 0\n    while True:\n        pass\n"
    account("define", "account", stdin=source)

    found = account("send", "account", "hang")

    assert found.returncode == 1
    assert "steps" in found.stderr or "time" in found.stderr
    assert account("send", "account", "balance").stdout == "100\n"


@pytest.mark.parametrize("place", ["/proc/batos", "file/universe"])
def test_a_place_that_cannot_be_written_is_named_in_one_line(
    batos: Batos, tmp_path: Path, model: Path, place: str
) -> None:
    (tmp_path / "file").touch()

    found = batos("-u", place, "awaken", "--mind", str(model), cwd=tmp_path)

    assert found.returncode == 1
    (told,) = found.stderr.splitlines()
    assert re.match(r"batos: /\S+ cannot be used: \w.*\. See that .* then try again\.", told)


def test_what_libraries_log_is_shown_for_debugging_only(
    account: Batos, universe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(universe_path / "blobs")

    found = account("send", "account", "grow", "--mode", "auto", "-q")
    monkeypatch.setenv("BATOS_DEBUG", "1")
    debugged = account("send", "account", "grow", "--mode", "auto", "-q")

    (told,) = found.stderr.splitlines()
    assert found.returncode == 7
    assert "the file is not there" in told
    assert "Couldn't load state" in debugged.stderr  # ZODB's words


def test_a_warning_of_ours_is_one_line(account: Batos) -> None:
    account("define", "account", stdin="def is_open(self):\n    return not self.closed\n")

    found = account("send", "account", "is_open")

    assert found.stdout == "True\n"
    assert re.fullmatch(r"batos: warning: .*closed was taken for false.*\n", found.stderr)


def test_an_answer_names_objects_and_blobs_wherever_they_lie(
    account: Batos, universe_path: Path
) -> None:
    source = "def all_of_(self, other):\n    return {'here': [self, (other.clone(),)]}\n"
    account("define", "account", stdin=source)

    parents = account("send", "account", "parent*").stdout
    nested = account("send", "account", "all_of_", "@account").stdout
    weights = account("send", "account", "model_blob").stdout
    as_json = json.loads(account("send", "account", "model_blob", "--json").stdout)["answer"]

    assert parents == "@genesis_obj\n"
    assert nested == "{'here': [@account, (<a new object>,)]}\n"
    assert (weights, as_json) == ("<a blob of 17 bytes>\n", {"blob": 17})


def test_what_a_failed_method_says_is_shortened(account: Batos) -> None:
    account("define", "account", stdin="def fail(self):\n    raise ValueError('x' * 9000)\n")

    found = account("send", "account", "fail")

    assert found.returncode == 1
    assert "ValueError: xxx" in found.stderr
    assert len(found.stderr) < 1000


def test_the_journal_says_what_it_is(account: Batos) -> None:
    found = account("inspect", "journal")

    assert found.returncode == 0
    assert "`batos pending list --all`" in found.stdout
    assert "`batos pending list --all`" in account("inspect").stdout
    assert json.loads(account("inspect", "journal", "--json").stdout)["name"] == "journal"


def test_a_slot_is_written_as_the_error_says(account: Batos) -> None:
    assert account("send", "account", "setSlot_value_", "balance", "5").returncode == 0
    assert account("send", "account", "balance").stdout == "5\n"


def test_doctor_finds_what_is_there(account: Batos) -> None:
    findings = json.loads(account("--json", "doctor").stdout)

    states = {finding["what"]: finding["state"] for finding in findings}
    assert states["python"] == "ok"
    assert states["universe"] == "ok"
    assert states["ZODB"] == "ok"
    assert states["batos"] == "ok"
    assert states["batos[zeo]"] == "ok"  # the tests need all extras
    assert states["batos[relational]"] == "ok"
    assert "batos[test]" not in states
    texts = {finding["what"]: finding["text"] for finding in findings}
    assert texts["batos"] == version("batos")
    assert f"ZEO {version('ZEO')}" in texts["batos[zeo]"]
    assert texts["universe"].endswith(", 5 transactions")  # with ZODB's own, and the audit's


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(batos: Batos, shell: str) -> None:
    assert "_BATOS_COMPLETE" in batos("completion", shell).stdout


def test_ctrl_c_ends_with_130(universe_path: Path) -> None:
    command = [sys.executable, "-m", "batos", "-u", str(universe_path), "define", "genesis_obj"]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiting.stdin is not None
    _until_it_reads(waiting.pid)
    waiting.send_signal(signal.SIGINT)

    _, said = waiting.communicate(timeout=20)

    assert waiting.returncode == 130
    assert b"interrupted" in said


def test_ctrl_c_before_the_command_is_loaded_ends_with_130_and_one_line() -> None:
    code = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "batos.workbench.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from batos.__main__ import main
main()
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (found.returncode, found.stderr) == (130, "interrupted\n")


def _until_it_reads(pid: int) -> None:
    """Wait until a process is blocked in reading its standard input."""
    ends = time.monotonic() + 20
    while "pipe" not in Path(f"/proc/{pid}/wchan").read_text():
        assert time.monotonic() < ends, "it never read"
        time.sleep(0.005)


def test_a_message_that_is_sent_again_under_its_id_takes_effect_once(account: Batos) -> None:
    first, again = (account("send", "account", "double", "--id", "a") for _ in range(2))
    other = account("send", "account", "balance", "--id", "a")

    assert (first.stdout, again.stdout) == ("200\n", "200\n")
    assert other.returncode == 2
    assert "another message, account double()" in other.stderr
    assert account("send", "account", "balance").stdout == "200\n"


def test_inspect_shows_a_counter_as_its_number_and_a_queue_as_its_items(
    account: Batos, universe_path: Path
) -> None:
    with open_uvm(universe_path) as universe, universe.transaction() as root:
        root["account"].hits = Counter(3)
        root["account"].jobs = Queue(["a", ("b", 1)])

    shown = account("inspect", "account").stdout

    values = json.loads(account("inspect", "account", "--json").stdout)["values"]

    assert values == {
        "parent*": {"object": "genesis_obj"},
        "balance": 100,
        "hits": 3,
        "jobs": ["a", ["b", 1]],
    }
    assert re.search(r"^hits +3$", shown, re.MULTILINE)
    assert re.search(r"^jobs +\['a', \('b', 1\)\]$", shown, re.MULTILINE)
    assert json.loads(account("send", "account", "jobs", "--json").stdout)["answer"] == [
        "a",
        ["b", 1],
    ]

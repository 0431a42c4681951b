"""An engine in a process of its own: children that die, hang, lie, leave or reach too far."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batos.engines.child import ChildEngine, mind_argv
from batos.engines.contract import Request
from batos.errors import EngineFailed
from batos.sandbox.launcher import Launcher

SOURCES = Path(__file__).parents[2] / "src"

SAY = Request("say", n=1)
COUNTING = "Service(control, Scripted(['one two three'])).serve(opening['idle_s'])"
ENDLESS = "Service(control, Scripted(['word ' * 1_000_000])).serve(opening['idle_s'])"
# The first child does something once it has a request; the ones after it just answer.
ONCE = (
    "if not os.path.exists({mark!r}):\n"
    "    channel = next_conversation(control)\n"
    "    receive_frame(channel)\n"
    "    open({mark!r}, 'w').close()\n"
    "    {deed}\n" + COUNTING
)


def once(tmp_path: Path, deed: str) -> str:
    return ONCE.format(mark=str(tmp_path / "mark"), deed=deed)


def answered(engine: ChildEngine) -> str:
    return engine.complete(SAY)[0].text


def test_a_child_that_is_killed_in_the_middle_is_replaced(start_children: Any) -> None:
    engine = start_children(ENDLESS)

    def kill(_choice: int, _text: str) -> None:
        os.kill(start_children.children[0].pid, signal.SIGKILL)

    with pytest.raises(EngineFailed, match=r"its process ended \(signal 9\); ask again"):
        engine.complete(Request("say", max_tokens=1_000_000), kill)

    assert not engine.loaded
    assert engine.complete(SAY)[0].text.startswith("word")
    assert len(start_children.children) == 2


def test_a_child_that_crashes_is_named_by_its_exit_status(
    start_children: Any, tmp_path: Path
) -> None:
    engine = start_children(once(tmp_path, "sys.exit(3)"))

    with pytest.raises(EngineFailed, match="exit status 3"):
        engine.complete(SAY)

    assert answered(engine) == "one two three"


@pytest.mark.parametrize(
    "deed",
    [
        "time.sleep(60)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "channel.send(b'x')\n    time.sleep(60)",
    ],
)
def test_a_child_that_hangs_is_killed_at_the_deadline(
    start_children: Any, tmp_path: Path, deed: str
) -> None:
    engine = start_children(once(tmp_path, deed))

    with pytest.raises(EngineFailed, match=r"not complete after 0\.4 s; give it more time"):
        engine.complete(Request("say", timeout_s=0.4))

    assert not Path(f"/proc/{start_children.children[0].pid}").exists()
    assert answered(engine) == "one two three"


@pytest.mark.parametrize(
    "said",
    [
        b"no JSON",
        b"7",
        b"[]",
        b"{}",
        b'{"completions": 7}',
        b'{"completions": []}',
        b'{"completions": [{"text": "no finish", "tokens": 1}]}',
        b'{"completions": [{"text": 7, "finish": "stop", "tokens": 1}]}',
        b'{"completions": [{"text": "x", "finish": "stop", "tokens": "1"}]}',
        b'{"completions": [{"text": "x", "finish": "maybe", "tokens": 1}]}',
        b'{"completions": [{"text": "x", "finish": [], "tokens": 1}]}',
        b'{"text": [9, "of no choice"]}',
        b'{"text": [0, 7]}',
        b'{"text": "x"}',
        b"[" * 100_000,
    ],
)
def test_what_no_engine_answers_is_refused(
    start_children: Any, tmp_path: Path, said: bytes
) -> None:
    said_as = repr(said) if len(said) < 1000 else f"b'[' * {len(said)}"
    engine = start_children(once(tmp_path, f"send_frame(channel, {said_as})"))

    with pytest.raises(EngineFailed, match="what no engine answers"):
        engine.complete(SAY, lambda _choice, _text: None)

    assert answered(engine) == "one two three"


def test_a_frame_that_would_fill_the_memory_is_refused(
    start_children: Any, tmp_path: Path
) -> None:
    engine = start_children(once(tmp_path, r"channel.sendall(b'\xff\xff\xff\xff')"))

    with pytest.raises(EngineFailed, match="what no engine answers"):
        engine.complete(SAY)


def test_an_idle_child_ends_and_the_next_request_starts_another(start_children: Any) -> None:
    engine = start_children(COUNTING, idle_s=0.1)
    assert answered(engine) == "one two three"
    child = start_children.children[0]

    readable, _, _ = select.select([child.socket], [], [], 10)

    assert readable  # it said bye
    assert not engine.loaded
    assert answered(engine) == "one two three"
    assert child.why_it_died() in {"exit status 0", "signal 9"}  # by itself, or helped along
    assert len(start_children.children) == 2


@pytest.mark.parametrize("last_words", ["", "send_frame(control, b'{\"bye\": true}')"])
def test_a_child_that_leaves_just_as_it_is_asked(
    start_children: Any, tmp_path: Path, last_words: str
) -> None:
    """With a bye it has not seen the request; without one nobody knows what it did."""
    engine = start_children(once(tmp_path, f"{last_words}\n    sys.exit()"))

    if last_words:
        assert answered(engine) == "one two three"
    else:
        with pytest.raises(EngineFailed, match="exit status 0"):
            engine.complete(SAY)


def test_unloading_ends_the_process(start_children: Any) -> None:
    engine = start_children(COUNTING)
    engine.complete(SAY)

    engine.unload()

    assert not Path(f"/proc/{start_children.children[0].pid}").exists()


def test_an_interrupt_ends_the_child_whose_answer_nobody_will_read(start_children: Any) -> None:
    engine = start_children(ENDLESS)

    def interrupt(_choice: int, _text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.complete(Request("say", max_tokens=1_000_000), interrupt)

    assert engine.complete(SAY)[0].text.startswith("word")


def test_a_child_ends_when_its_owner_closes_the_socket(start_children: Any) -> None:
    engine = start_children(COUNTING)
    engine.complete(SAY)
    child = start_children.children[0]

    child.socket.close()

    assert child.why_it_died() == "exit status 0"


def test_a_launcher_that_cannot_start_a_mind_fails_the_request() -> None:
    launcher = Launcher({"mind": ("/no/such/program",)})
    engine = ChildEngine(lambda: launcher.spawn("mind"), Path("x.gguf"))

    with pytest.raises(EngineFailed, match="did not start: No such file"):
        engine.complete(SAY)
    launcher.close()


# --- the mind process itself ---------------------------------------------------------------


def test_weights_that_are_none_are_named(start_children: Any, tmp_path: Path) -> None:
    weights = tmp_path / "bad.gguf"
    weights.write_bytes(b"no weights at all")
    engine = start_children.engine(mind_argv([tmp_path], tmp_path), weights)

    for _ in range(2):  # and the process goes on
        with pytest.raises(EngineFailed, match=r"bad\.gguf is refused as weights"):
            engine.complete(SAY)
    assert len(start_children.children) == 1
    assert not engine.loaded


@pytest.mark.walls
def test_a_mind_that_cannot_be_walled_in_does_not_think(
    start_children: Any, tmp_path: Path
) -> None:
    code = (
        f"import sys; sys.path += {sys.path!r}; import threading;"
        " threading.Thread(target=threading.Event().wait, daemon=True).start();"
        f" from batos.engines.mind_process import main; main({str(tmp_path)!r}, sys.argv[-1])"
    )
    engine = start_children.engine((sys.executable, "-I", "-c", code), tmp_path / "none.gguf")

    with pytest.raises(EngineFailed, match="not be walled in: this process has 2 threads"):
        engine.complete(SAY)


def test_a_mind_goes_on_where_something_to_read_is_missing(
    start_children: Any, tmp_path: Path
) -> None:
    argv = mind_argv([tmp_path / "missing"], tmp_path)

    with pytest.raises(EngineFailed, match="it is not a file"):
        start_children.engine(argv, tmp_path / "missing" / "none.gguf").complete(SAY)


@pytest.mark.walls
def test_a_mind_reads_nothing_that_was_not_agreed_before(
    start_children: Any, tmp_path: Path
) -> None:
    (tmp_path / "agreed").mkdir()
    (tmp_path / "run").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"GGUF")
    argv = mind_argv([tmp_path / "agreed"], tmp_path / "run")

    with pytest.raises(EngineFailed, match="Permission denied"):
        start_children.engine(argv, secret).complete(SAY)


def test_the_mind_process_brings_neither_torch_nor_a_database() -> None:
    code = (
        "import json, sys, batos.engines.mind_process;"
        " print(json.dumps(sorted(name.split('.')[0] for name in sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        check=True,
        capture_output=True,
    )

    brought = set(json.loads(found.stdout))
    assert not brought & {"torch", "numpy", "ZODB", "persistent", "transaction", "xllamacpp"}


@pytest.mark.weights
def test_a_mind_listens_nowhere_and_leaves_no_files(
    start_children: Any, smollm2_path: Path, tmp_path: Path
) -> None:
    engine = start_children.engine(mind_argv([smollm2_path], tmp_path), smollm2_path)
    engine.complete(SAY)
    (child,) = start_children.children

    listening = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{child.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    held = {str(fd.readlink()) for fd in Path(f"/proc/{child.pid}/fd").iterdir()}

    assert not held & {f"socket:[{inode}]" for inode in listening}
    assert list(tmp_path.iterdir()) == []
    engine.close()

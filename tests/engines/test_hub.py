"""Files of a Hugging Face hub, from a hub on loopback, through the real client.

The client reads its endpoint when it is imported, so each pull has its own process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from batos.engines import catalog
from batos.engines.hub import hub_file
from batos.errors import MindMissing, PullFailed

Served = Any  # these two are of conftest.py
Pulling = Any

SPEC = "org/repo:sub/tiny.gguf"
PATH = "/org/repo/resolve/main/sub/tiny.gguf"
COMMIT = "c" * 40


@dataclass
class Hub:
    """The hub on loopback, and how the next pull sees it."""

    server: Served
    pulling: Pulling
    cache: Path
    env: dict[str, str] = field(default_factory=dict)

    def pull(self, spec: str = SPEC) -> tuple[int, str]:
        """Return the exit code, and what was said: a path, or an error in one line."""
        env = {"HF_ENDPOINT": self.server.url, "HF_HOME": str(self.cache / "home")}
        with self.pulling(spec, self.cache, {}, env=env | self.env) as child:
            out, err = child.communicate(timeout=60)
        said = err if child.returncode else out.removeprefix("pulls\n")
        assert said.count("\n") == 1, said
        return child.returncode, said.strip()


@pytest.fixture
def hub(
    gguf: Callable[..., Any],
    server_kit: tuple[Any, Any, Callable[[Any], Iterator[Any]]],
    pulling: Pulling,
    tmp_path: Path,
) -> Iterator[Hub]:
    served_class, served = server_kit[0], server_kit[2]
    answers: Any = server_kit[1]
    content = bytes(gguf(shape=(1 << 18,), type_number=0, data=bytes(range(256)) * (1 << 12)))

    class HubAnswers(answers):  # type: ignore[misc]  # a fixture's class
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            world = self.world
            if not self.path.startswith((PATH, "/cdn/")):
                self.send_error(404)  # the client asks for more than the file
                return
            world.headers.append(dict(self.headers.items()) | {"path": self.path})
            refusal = world.refusal
            if refusal:
                self.send_response(refusal[0])
                if refusal[1]:
                    self.send_header("X-Error-Code", refusal[1])
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif world.elsewhere and self.path == PATH:
                self.send_response(302)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("X-Linked-Etag", f'"{world.etag}"')
                self.send_header("X-Linked-Size", str(len(world.content)))
                self.send_header("X-Xet-Hash", "a" * 64)  # another transport is on offer
                self.send_header("X-Xet-Refresh-Route", "/nowhere")
                self.send_header("Location", world.elsewhere)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                about = {"X-Repo-Commit": COMMIT, "ETag": f'"{world.etag}"'}
                self.send_content(about, body=body)

    server = served_class(HubAnswers, content)
    server.etag = hashlib.sha256(content).hexdigest()
    server.refusal = None
    server.elsewhere = ""
    for it in served(server):
        yield Hub(it, pulling, tmp_path / "c")


def test_a_hubs_file_comes_here_verified_and_then_needs_no_hub(hub: Hub) -> None:
    code, said = hub.pull()

    assert code == 0
    assert Path(said).read_bytes() == hub.server.content
    weights = catalog.resolve(SPEC, hub.cache)
    assert weights.path == Path(said)
    assert weights.source == "org/repo, sub/tiny.gguf, from the Hugging Face hub"
    asked = len(hub.server.headers)
    hub.env["HF_HUB_OFFLINE"] = "1"
    assert hub.pull() == (0, said)
    assert len(hub.server.headers) == asked
    assert catalog.listing(hub.cache)[-1].name == SPEC


def test_a_token_goes_to_the_hub_and_not_to_where_it_redirects(hub: Hub) -> None:
    hub.server.elsewhere = hub.server.url.replace("127.0.0.1", "localhost") + "/cdn/blob?signed"
    hub.env["HF_TOKEN"] = "hf_secret"

    code, said = hub.pull()

    assert code == 0
    assert Path(said).read_bytes() == hub.server.content
    tokens = {it["path"]: it.get("authorization") for it in map(lowered, hub.server.headers)}
    assert tokens == {PATH: "Bearer hf_secret", "/cdn/blob?signed": None}


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_a_cut_download_goes_on(hub: Hub) -> None:
    hub.server.cuts = [600_000]

    code, said = hub.pull()

    assert code == 0
    assert Path(said).read_bytes() == hub.server.content
    assert hub.server.ranges == [None, "bytes=600000-"]


def test_a_killed_download_goes_on_with_the_next_pull(hub: Hub) -> None:
    hub.server.cuts, hub.server.holds = [600_000], True
    env = {"HF_ENDPOINT": hub.server.url}
    with hub.pulling(SPEC, hub.cache, {}, env=env) as child:
        assert hub.server.broke_off.wait(30)
        while not any(it.stat().st_size > 300_000 for it in hub.cache.rglob("*.part")):
            assert child.poll() is None
        child.kill()
        child.communicate(timeout=30)

    with pytest.raises(MindMissing):
        catalog.resolve(SPEC, hub.cache)
    code, said = hub.pull()

    assert code == 0
    assert Path(said).read_bytes() == hub.server.content
    assert str(hub.server.ranges[-1]).startswith("bytes=")


def test_another_content_than_the_hub_names_is_thrown_away(hub: Hub) -> None:
    hub.server.etag = "0" * 64

    code, said = hub.pull()

    assert code == PullFailed.exit_code
    assert "SHA-256" in said
    assert not [it for it in hub.cache.rglob("*tiny*") if it.is_file()]


def test_what_is_no_gguf_is_thrown_away(hub: Hub) -> None:
    hub.server.content = b"<html>please log in</html>"
    hub.server.etag = hashlib.sha256(hub.server.content).hexdigest()

    code, said = hub.pull()

    assert code == PullFailed.exit_code
    assert "does not begin as a GGUF" in said
    assert not [it for it in hub.cache.rglob("*tiny*") if it.is_file()]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((404, "RepoNotFound"), "the hub has no org/repo, or it is private"),
        ((401, "RepoNotFound"), "the hub has no org/repo, or it is private"),
        ((404, "EntryNotFound"), "org/repo has no file sub/tiny.gguf"),
        ((403, "GatedRepo"), "org/repo is gated"),
        ((418, ""), "HTTP 418"),
    ],
)
def test_a_refusal_is_told_in_one_line(hub: Hub, refusal: tuple[int, str], words: str) -> None:
    hub.server.refusal = refusal

    code, said = hub.pull()

    assert code == PullFailed.exit_code
    assert words in said


def test_offline_mode_and_a_hub_that_is_away_are_told_apart(hub: Hub) -> None:
    hub.env["HF_HUB_OFFLINE"] = "1"
    assert "offline mode is on" in hub.pull()[1]

    hub.env = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert "the hub cannot be reached" in hub.pull()[1]


def test_an_added_name_leads_to_a_hubs_file(hub: Hub) -> None:
    hub.pull()

    added = catalog.add(SPEC, hub.cache, "tiny")

    assert catalog.resolve("tiny", hub.cache) == added
    added.path.unlink()
    with pytest.raises(MindMissing, match="`batos mind pull tiny` brings it"):
        catalog.resolve("tiny", hub.cache)
    assert hub.pull("tiny") == (0, str(added.path))


@pytest.mark.parametrize(
    "spec",
    [
        "org/repo",
        "repo:x.gguf",
        "org/repo:x.bin",
        "org/repo:../x.gguf",
        "org/repo:/x.gguf",
        "a/b/c:x.gguf",
    ],
)
def test_what_is_no_file_of_a_hub_is_not_taken_for_one(spec: str) -> None:
    assert hub_file(spec) is None

"""What a universe's mind wears: checked when it comes in, kept as a blob, worn by roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from tests.loras import config, key, speaking, tiny_base, write_peft

from batos.engines.catalog import Weights
from batos.engines.contract import Completion, Request, Scripted
from batos.engines.download import sha256_of, unseen
from batos.errors import (
    AdapterMissing,
    AdapterNameRefused,
    AdapterRefused,
    GrowthFailed,
)
from batos.kernel.message import send
from batos.kernel.mirror import mirror
from batos.opening import awaken, rebuild
from batos.personas.mind import mind_of
from batos.settings import Settings
from batos.synthesis.growth import Asking
from batos.universe import awakening
from batos.universe.universe import open_universe
from batos.universe.verifying import verify
from batos.uvm import Uvm

UP = "mlp.up_proj"


def trained(folder: Path, number: float = 1, columns: int = 64, **notes: str) -> Path:
    """An adapter for the tiny base."""
    tensors = {
        key(0, UP, "A"): np.full((2, columns), number, np.float32),
        key(0, UP, "B"): np.full((4, 2), number, np.float32),
    }
    return write_peft(folder, tensors, config(2), notes)


def completions(answer: object) -> list[Completion]:
    return cast("list[Completion]", answer)


@pytest.fixture
def uvm(tmp_path: Path, settings: Settings) -> Iterator[Uvm]:
    """A universe with a tiny base and a mind that says which adapter it was asked with."""
    base = tiny_base(tmp_path / "tiny.gguf")
    sha256 = sha256_of(base, unseen)
    weights = Weights("tiny", base, sha256, base.stat().st_size, "a test")
    awakening.awaken(tmp_path / "u", mind_of(weights), "tester")
    engine = Scripted(lambda request, _choice: f"return {request.adapter or 'none'!r}")
    uvm = Uvm(
        open_universe(tmp_path / "u"), "unwalled", Asking("auto", 2), settings, lambda _: engine
    )
    yield uvm
    uvm.close()


def test_names_are_numbered_and_no_number_is_used_twice(uvm: Uvm, tmp_path: Path) -> None:
    first = uvm.adapters.add(trained(tmp_path / "a", 1), "brick")
    second = uvm.adapters.add(trained(tmp_path / "b", 2), "brick")
    uvm.adapters.remove(second.name)
    third = uvm.adapters.add(trained(tmp_path / "c", 3), "brick")

    assert [first.name, second.name, third.name] == ["brick@1", "brick@2", "brick@3"]
    assert [kept.name for kept in uvm.adapters.list()] == ["brick@1", "brick@3"]


def test_what_is_kept_does_not_depend_on_the_file_that_came(uvm: Uvm, tmp_path: Path) -> None:
    folder = trained(tmp_path / "a")
    kept = uvm.adapters.add(folder, "brick", role="brick", pinned=True)
    for file in folder.iterdir():
        file.unlink()

    assert uvm.adapters.get("brick@1") == kept
    assert (kept.rank, kept.modules, kept.roles, kept.pinned, kept.fits) == (
        *(2, (UP,), ("brick",), True, True),
    )


def test_a_role_is_answered_with_what_it_wears(uvm: Uvm, tmp_path: Path) -> None:
    uvm.adapters.add(trained(tmp_path / "a"), "brick", role="brick")
    uvm.adapters.add(trained(tmp_path / "b", 2), "robin")
    uvm.adapters.wear("robin", "robin@1")

    def asked(**keywords: object) -> object:
        with uvm.transaction() as root:
            return send(root["genesis_obj"], "infer_", "who are you?", **keywords)

    assert asked(role="brick") == "return 'brick@1'"
    assert asked(role="robin") == "return 'robin@1'"
    assert asked(role="babs") == asked() == "return 'none'"
    uvm.adapters.wear("robin", None)
    assert asked(role="robin") == "return 'none'"


def test_a_request_may_name_an_adapter_of_the_mind(uvm: Uvm, tmp_path: Path) -> None:
    uvm.adapters.add(trained(tmp_path / "a"), "brick")

    with uvm.transaction() as root:
        request = Request("who are you?", adapter="brick@1")
        (completion,) = completions(send(root["pLLM_obj"], "infer_", request))
        assert completion.text == "return 'brick@1'"
        with pytest.raises(AdapterMissing, match=r"no adapter 'brick@2' to use"):
            send(root["pLLM_obj"], "infer_", Request("and you?", adapter="brick@2"))
    assert uvm.thinking().tokens == 2
    assert uvm.thinking().engine.resident == ("brick@1",)


def test_the_toolsmith_writes_methods_with_what_it_wears(uvm: Uvm, tmp_path: Path) -> None:
    with uvm.transaction() as root:
        root["thing"] = root["genesis_obj"].clone()
    assert uvm.send("thing", "who", examples=[((), "none")]) == "none"
    uvm.adapters.add(trained(tmp_path / "a"), "smith", role="toolsmith")

    assert uvm.send("thing", "which", examples=[((), "smith@1")]) == "smith@1"
    provenance = uvm.journal.list()[-1].provenance
    assert provenance["adapter"] == "smith@1"


def test_another_adapter_is_another_mind_to_ask(uvm: Uvm, tmp_path: Path) -> None:
    """What the bare base could not do is asked again, and not remembered as failed."""
    with uvm.transaction() as root:
        root["thing"] = root["genesis_obj"].clone()
    with pytest.raises(GrowthFailed):
        uvm.send("thing", "which", examples=[((), "smith@1")])
    uvm.adapters.add(trained(tmp_path / "a"), "smith", role="toolsmith")

    assert uvm.send("thing", "which", examples=[((), "smith@1")]) == "smith@1"


def test_a_mind_with_other_weights_says_that_its_adapters_are_of_no_use(
    uvm: Uvm, tmp_path: Path
) -> None:
    uvm.adapters.add(trained(tmp_path / "a"), "brick", role="brick")
    with uvm.transaction() as root:
        root["pLLM_obj"].card["sha256"] = "0" * 64

    assert not uvm.adapters.get("brick@1").fits
    with pytest.raises(AdapterMissing, match="the mind has others now; train one on them"):
        uvm.adapters.wear("robin", "brick@1")


def nan(folder: Path) -> Path:
    return trained(folder, float("nan"))


def of_another_base(folder: Path) -> Path:
    return trained(folder, columns=128)


def trained_elsewhere(folder: Path) -> Path:
    return trained(folder, base_sha256="f" * 64)


def without_a_configuration(folder: Path) -> Path:
    (trained(folder) / "adapter_config.json").unlink()
    return folder


def a_pickle(folder: Path) -> Path:
    folder = trained(folder)
    path = folder / "adapter_model.bin"
    path.write_bytes(b"\x80\x04.")
    return path


def cut_short(folder: Path) -> Path:
    file = trained(folder) / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    return folder


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nan, "infinite numbers, or NaN"),
        (of_another_base, "it is for another base"),
        (trained_elsewhere, "trained on weights with sha256 ffff"),
        (without_a_configuration, "cannot be read"),
        (a_pickle, "only safetensors are read"),
        (cut_short, "was cut short"),
    ],
)
def test_what_is_refused_leaves_nothing(
    uvm: Uvm, tmp_path: Path, make: Callable[[Path], Path], why: str
) -> None:
    before = sorted(path for path in (tmp_path / "u" / "blobs").rglob("*") if path.is_file())
    source = make(tmp_path / "a")

    with pytest.raises(AdapterRefused, match=why) as caught:
        uvm.adapters.add(source, "brick", role="brick")

    assert "/blobs/" not in str(caught.value)  # it names the file that was given
    assert uvm.adapters.list() == []
    after = sorted(path for path in (tmp_path / "u" / "blobs").rglob("*") if path.is_file())
    assert after == before


@pytest.mark.parametrize("name", ["", "Brick", "brick@1", "a b", "../x", "x" * 33, "1st"])
def test_names_that_cannot_be_are_refused(uvm: Uvm, tmp_path: Path, name: str) -> None:
    with pytest.raises(AdapterNameRefused):
        uvm.adapters.add(trained(tmp_path / "a"), name)
    with pytest.raises(AdapterNameRefused):
        uvm.adapters.wear(name, None)


def test_what_is_worn_is_not_removed_and_a_removal_can_be_undone(
    uvm: Uvm, tmp_path: Path
) -> None:
    uvm.adapters.add(trained(tmp_path / "a"), "brick", role="brick")
    with pytest.raises(AdapterNameRefused, match="brick wears it"):
        uvm.adapters.remove("brick@1")

    uvm.adapters.wear("brick", None)
    uvm.adapters.remove("brick@1")
    uvm.undo()

    assert [kept.name for kept in uvm.adapters.list()] == ["brick@1"]
    with pytest.raises(AdapterMissing):
        uvm.adapters.get("robin@1")


def test_adapters_travel_with_a_bundle_and_are_verified(
    uvm: Uvm, tmp_path: Path, settings: Settings
) -> None:
    kept = uvm.adapters.add(trained(tmp_path / "a"), "brick", role="brick")
    uvm.export(tmp_path / "bundle")

    rebuild(tmp_path / "v", tmp_path / "bundle", settings=settings)

    assert verify(tmp_path / "v").blobs == 2
    again = Uvm(open_universe(tmp_path / "v"), "unwalled", Asking("off"), settings)
    assert again.adapters.list() == [kept]
    again.close()


def test_a_generated_method_cannot_change_what_is_worn(uvm: Uvm, tmp_path: Path) -> None:
    uvm.adapters.add(trained(tmp_path / "a"), "brick", role="brick")
    with uvm.transaction() as root:
        root["thing"] = root["genesis_obj"].clone()
        source = "def take(self):\n    self.card['roles']['brick'] = 'other@1'"
        mirror(root["thing"]).define(source)

    uvm.send("thing", "take")

    assert uvm.adapters.get("brick@1").roles == ("brick",)


# --- with the real mind --------------------------------------------------------------------


@pytest.mark.weights
@pytest.mark.walls
def test_a_universe_thinks_with_its_adapters_inside_its_walls(
    smollm2_path: Path, tmp_path: Path
) -> None:
    """Its blobs may be read by the mind's process, and derived files go to its `tmp`."""
    speaking(tmp_path, "trained", 1)
    with awaken(tmp_path / "u", str(smollm2_path)) as uvm:
        uvm.adapters.add(tmp_path / "trained", "brick", role="brick")

        def said(role: str | None) -> str:
            with uvm.transaction() as root:
                request = Request("1 2 3 4", max_tokens=4, temperature=0)
                answer = send(root["genesis_obj"], "infer_", request, role=role)
                return completions(answer)[0].text

        base = said(None)
        worn = said("brick")
        assert said(None) == base != worn
        assert uvm.thinking().engine.resident == ("brick@1",)
        assert len(list((tmp_path / "u" / "tmp" / "adapters").iterdir())) == 1

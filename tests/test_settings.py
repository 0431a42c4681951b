from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from batos.errors import SettingRefused
from batos.settings import load_settings


@pytest.fixture(autouse=True)
def clean_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("UNIVERSE", "CACHE", "MODE", "SAMPLES", "IDLE_S"):
        monkeypatch.delenv(f"BATOS_{name}", raising=False)
    return tmp_path


def test_a_flag_beats_the_environment_which_beats_files_which_beat_the_default(
    clean_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().samples == 8

    (clean_home / "config" / "batos").mkdir(parents=True)
    (clean_home / "config" / "batos" / "config.toml").write_text("samples = 2\nidle_s = 5")
    (clean_home / "batos.toml").write_text("samples = 3")
    assert load_settings().samples == 3
    assert load_settings().idle_s == 5

    monkeypatch.setenv("BATOS_SAMPLES", "4")
    assert load_settings().samples == 4
    assert load_settings({"samples": 5}).samples == 5


def test_each_setting_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATOS_MODE", "off")

    origins = load_settings({"universe": Path("u")}).origins

    assert (origins["mode"], origins["universe"], origins["samples"]) == (
        "environment",
        "flag",
        "default",
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MODE", "wild", "one of off, ask, auto"),
        ("SAMPLES", "none", "from 1 to 16"),
        ("SAMPLES", "0", "from 1 to 16"),
        ("SAMPLES", "17", "'samples' is '17'; it must be a whole number from 1 to 16"),
        ("SAMPLES", "0.5", "'samples' is '0.5'; it must be a whole number"),
        ("SAMPLES", "inf", "whole number"),
        ("IDLE_S", "-1", "above 0"),
        ("IDLE_S", "nan", "finite"),
        ("IDLE_S", "inf", "finite"),
    ],
)
def test_an_impossible_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"BATOS_{name}", value)

    with pytest.raises(SettingRefused, match=words):
        load_settings()


def test_a_file_that_is_no_toml_is_named(clean_home: Path) -> None:
    (clean_home / "batos.toml").write_text("samples = = 3")

    with pytest.raises(SettingRefused, match=r"batos\.toml"):
        load_settings()


def test_a_name_that_means_nothing_is_refused_with_those_that_do(clean_home: Path) -> None:
    (clean_home / "batos.toml").write_text("sampels = 3")

    with pytest.raises(SettingRefused, match=r"'sampels' is in batos\.toml.*samples"):
        load_settings()


@pytest.mark.parametrize("line", ['mode = "auto"', 'cache = "poisoned"'])
def test_a_folder_from_elsewhere_cannot_set_whom_to_trust(clean_home: Path, line: str) -> None:
    (clean_home / "batos.toml").write_text(line)

    with pytest.raises(SettingRefused, match=r"config\.toml.*BATOS_(MODE|CACHE).*flag"):
        load_settings()


def test_files_are_utf_8(clean_home: Path) -> None:
    (clean_home / "batos.toml").write_bytes('universe = "Bücher"'.encode())

    assert load_settings().universe == Path("Bücher")


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_has_a_number(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def nameless() -> str:
        raise error("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert load_settings().user == f"uid {os.getuid()}"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATOS_UNIVERSE", "~nobody-is-called-so/u")

    with pytest.raises(SettingRefused, match="HOME is not set"):
        load_settings()

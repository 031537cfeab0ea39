"""Keys: made once, closed to others, or taken from the environment; what is wrong is named."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from regions.errors import KeysError
from regions.keys import KEY_NAMES, create_keys, load_keys


def test_keys_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "keys"
    assert create_keys(folder) == list(KEY_NAMES)
    keys = load_keys(folder)
    assert len({keys.sealing, keys.index, keys.cursor, keys.log}) == 4
    assert create_keys(folder) == []
    assert load_keys(folder) == keys
    (folder / "log.key").unlink()
    assert create_keys(folder) == ["log"]
    assert load_keys(folder).sealing == keys.sealing


def test_keys_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    create_keys(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    (folder / "index.key").chmod(0o640)
    with pytest.raises(KeysError, match="can be read by other users") as raised:
        load_keys(folder)
    assert raised.value.hint == f"chmod 600 {folder / 'index.key'}"


def test_keys_are_never_printed(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    assert repr(load_keys(tmp_path / "keys")) == "Keys(...)"


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="the key sealing is missing") as raised:
        load_keys(tmp_path)
    assert "epigate init" in raised.value.hint


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_keys(tmp_path)
    monkeypatch.setenv("EPIGATE_KEY_CURSOR", "A" * 43 + "=")
    assert load_keys(tmp_path).cursor == bytes(32)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "A" * 60 + "===="])
def test_a_key_of_another_form_is_named_but_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    create_keys(tmp_path)
    monkeypatch.setenv("EPIGATE_KEY_LOG", text)
    with pytest.raises(KeysError, match="EPIGATE_KEY_LOG is not 32 bytes in base64") as raised:
        load_keys(tmp_path)
    assert not text or text not in str(raised.value)

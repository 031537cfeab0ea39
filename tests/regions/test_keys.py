"""Keys: made once, closed to others, or taken from the environment; what is wrong is named."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from regions.errors import KeysError
from regions.key_ring import KEY_BYTES, Key, KeyRing, make_key, read_keys
from regions.keys import KEY_NAMES, create_keys, keep_names, load_keys


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


def test_a_ring_sees_a_new_key_at_once_when_it_is_asked_for(tmp_path: Path) -> None:
    create_keys(tmp_path)
    ring = load_keys(tmp_path).sealing
    assert (ring.newest, ring.numbers(), ring.find(1)) == (0, (0,), None)
    made = make_key(tmp_path, "sealing", 1)
    assert made.name == "sealing.1.key"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert ring.find(1) == read_keys(tmp_path, "sealing")[1]
    assert (ring.newest, ring.numbers()) == (1, (1, 0))
    with pytest.raises(FileExistsError):
        make_key(tmp_path, "sealing", 1)


def test_a_ring_looks_by_itself_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_keys(tmp_path)
    ring = load_keys(tmp_path).index
    assert ring.newest == 0
    make_key(tmp_path, "index", 7, sm3=True)
    assert ring.newest == 0
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.1)
    assert ring.newest == 7
    found = ring.find(7)
    assert found is not None
    assert found.sm3
    assert len(found.secret) == KEY_BYTES


def test_what_cannot_be_read_again_leaves_the_ring_as_it_is(tmp_path: Path) -> None:
    create_keys(tmp_path)
    ring = load_keys(tmp_path).sealing
    (tmp_path / "sealing.1.key").write_text("half a ke")
    (tmp_path / "sealing.1.key").chmod(0o600)
    assert ring.find(1) is None
    assert ring.find(0) is not None


def test_numbers_of_keys_are_a_byte(tmp_path: Path) -> None:
    make_key(tmp_path, "sealing", 256)
    with pytest.raises(KeysError, match="numbered from 0 to 255"):
        read_keys(tmp_path, "sealing")


def test_keys_of_the_environment_have_numbers_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_keys(tmp_path)
    monkeypatch.setenv("EPIGATE_KEY_SEALING_3", "A" * 43 + "=")
    monkeypatch.setenv("EPIGATE_KEY_INDEX_1", "SM3:" + "A" * 43 + "=")
    keys = load_keys(tmp_path)
    assert (keys.sealing.numbers(), keys.index.find(1)) == ((3, 0), Key(bytes(32), sm3=True))


def test_names_of_loaded_rows_outlive_the_first_index_key(tmp_path: Path) -> None:
    create_keys(tmp_path)
    before = load_keys(tmp_path)
    first = before.index.find(0)
    assert first is not None
    assert before.names == first.secret
    make_key(tmp_path, "index", 1)
    keep_names(tmp_path, before)
    keep_names(tmp_path, before)  # once is enough
    (tmp_path / "index.key").unlink()
    after = load_keys(tmp_path)
    assert after.names == before.names
    assert after.index.numbers() == (1,)
    (tmp_path / "names.key").unlink()
    with pytest.raises(KeysError, match=r"names\.key is missing"):
        _ = load_keys(tmp_path).names


def test_a_single_key_is_a_ring_of_one() -> None:
    assert KeyRing.of(b"k" * 32) == KeyRing({0: Key(b"k" * 32)})
    assert KeyRing.of(KeyRing.of(b"k" * 32)).find(0) == Key(b"k" * 32)
    assert "kkk" not in repr(KeyRing.of(b"k" * 32)) + repr(Key(b"k" * 32))


def test_a_new_folder_of_the_sm_suite_has_an_index_key_of_hmac_sm3(tmp_path: Path) -> None:
    create_keys(tmp_path, sm=True)
    keys = load_keys(tmp_path, sm=True)
    index, sealing = keys.index.find(0), keys.sealing.find(0)
    assert index is not None
    assert sealing is not None
    assert (index.sm3, sealing.sm3, keys.sealing.sm4) == (True, False, True)
    assert keys.staff_index.find(0) == index
    assert load_keys(tmp_path).sealing.sm4 is False

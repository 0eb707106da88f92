"""Credentials at rest: sealed with the newest key, opened with any, and the key file of a data directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.errors import ConfigurationError
from zena_sse.security.vault import KEY_FILE, Vault, _write_new, load_or_create_keys

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


class Login(msgspec.Struct, frozen=True):
    username: str
    password: str


LOGIN = Login("jo", "correct horse")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_sealed_can_be_opened_and_does_not_show() -> None:
    vault = Vault([NEW])
    sealed = vault.seal(LOGIN)
    assert vault.open(sealed, Login) == LOGIN
    assert b"horse" not in sealed


@given(st.dictionaries(st.text(), st.text()))
def test_any_texts_come_back_as_they_were(value: dict[str, str]) -> None:
    vault = Vault([NEW])
    assert vault.open(vault.seal(value), dict[str, str]) == value


def test_a_new_key_in_front_of_the_old_one_opens_what_either_sealed() -> None:
    before = Vault([OLD]).seal(LOGIN)
    rotated = Vault([NEW, OLD])
    after = rotated.seal(LOGIN)
    assert rotated.open(before, Login) == LOGIN
    assert Vault([NEW]).open(after, Login) == LOGIN


def test_without_the_key_that_sealed_it_nothing_opens_and_the_reason_is_clear() -> None:
    sealed = Vault([OLD]).seal(LOGIN)
    with pytest.raises(ConfigurationError, match="ZENA_SECRET_KEYS"):
        Vault([NEW]).open(sealed, Login)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-8] + b"AAAAAAA=", lambda b: b[:20], lambda _: b"", lambda _: b"\xff"]
)
def test_changed_bytes_do_not_open(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        Vault([NEW]).open(damage(Vault([NEW]).seal(LOGIN)), Login)


def test_a_sealed_value_of_another_kind_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Vault([NEW]).open(Vault([NEW]).seal({"password": "correct horse"}), Login)
    assert "horse" not in str(raised.value)


@pytest.mark.parametrize("bad", ["", "short", "x" * 44, "ä" * 44, NEW[:-4], "\udcff" * 44])
def test_a_key_that_is_none_is_named_with_how_to_make_one_and_not_shown(bad: str) -> None:
    with pytest.raises(ConfigurationError, match=r"key 2 of ZENA_SECRET_KEYS.*openssl rand") as raised:
        Vault([NEW, bad])
    assert not bad or bad not in str(raised.value)


def test_no_keys_at_all_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match="ZENA_SECRET_KEYS"):
        Vault([])


def test_the_first_start_makes_a_private_key_and_the_second_finds_it(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    keys = load_or_create_keys(data)
    assert load_or_create_keys(data) == keys
    assert mode(data / KEY_FILE) == 0o600
    sealed = Vault(keys).seal(LOGIN)
    assert Vault(load_or_create_keys(data)).open(sealed, Login) == LOGIN


def test_a_new_key_is_private_from_its_first_moment_and_never_overwrites(tmp_path: Path) -> None:
    _write_new(tmp_path / KEY_FILE, NEW.encode())
    assert mode(tmp_path / KEY_FILE) == 0o600
    with pytest.raises(FileExistsError):
        _write_new(tmp_path / KEY_FILE, OLD.encode())
    assert load_or_create_keys(tmp_path) == (NEW,)


def test_each_data_directory_has_a_key_of_its_own(tmp_path: Path) -> None:
    assert load_or_create_keys(tmp_path / "a") != load_or_create_keys(tmp_path / "b")


def test_a_key_file_may_hold_older_keys_below(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text(f"{NEW}\n{OLD}\n\n")
    assert load_or_create_keys(tmp_path) == (NEW, OLD)


def test_a_key_file_that_others_can_read_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    path.write_text(NEW)
    path.chmod(0o644)
    load_or_create_keys(tmp_path)
    assert mode(path) == 0o600


def test_a_key_file_that_cannot_be_tightened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / KEY_FILE
    path.write_text(NEW)
    path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(ConfigurationError, match=r"secret\.key cannot be used: Operation not permitted"):
        load_or_create_keys(tmp_path)


def test_an_empty_key_file_is_refused_and_never_replaced(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).touch(mode=0o600)
    with pytest.raises(ConfigurationError, match="empty"):
        load_or_create_keys(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == b""


def test_a_key_file_of_garbage_is_refused_by_the_vault(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"\xff\xfe not a key")
    with pytest.raises(ConfigurationError, match=r"secret\.key"):
        Vault(load_or_create_keys(tmp_path))


def test_a_data_directory_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        load_or_create_keys(tmp_path / "data")

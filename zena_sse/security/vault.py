"""Encryption at rest for what must be kept and read again: the credentials of mailboxes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from zena_sse.errors import ConfigurationError

T = TypeVar("T")

KEY_FILE = "secret.key"
_HOW_TO_MAKE_ONE = "make one with: openssl rand -base64 32 | tr '+/' '-_'"


class Vault:
    """Seals with the newest key, opens with any: to rotate, put a new key in front of the old ones."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Keys newest first. Raises `ConfigurationError` when there is none, or one is no key."""
        if not keys:
            raise ConfigurationError(f"ZENA_SECRET_KEYS is empty; {_HOW_TO_MAKE_ONE}")
        self._fernet = MultiFernet([_parsed(key, place) for place, key in enumerate(keys, start=1)])

    def seal(self, value: msgspec.Struct | Mapping[str, object]) -> bytes:
        """The value as JSON, encrypted and authenticated; ASCII."""
        return self._fernet.encrypt(msgspec.json.encode(value))

    def open(self, sealed: bytes, into: type[T]) -> T:
        """What was sealed. Raises `ConfigurationError` when no key fits or the bytes were changed."""
        try:
            return msgspec.json.decode(self._fernet.decrypt(sealed), type=into)
        except InvalidToken:
            raise ConfigurationError(
                "a stored credential cannot be decrypted: the key that sealed it is not among "
                f"ZENA_SECRET_KEYS (or in {KEY_FILE} of the data directory), or the credential was damaged"
            ) from None
        except msgspec.DecodeError:
            raise ConfigurationError("a stored credential is not of the expected kind") from None


def load_or_create_keys(data_dir: Path) -> tuple[str, ...]:
    """The keys in the data directory's own key file, newest first; made on the first start.

    Call it as the owner of the data directory: two that start at once must not both make a key. Raises
    `ConfigurationError` when the file cannot be written, read or kept from other users of the machine.
    """
    path = data_dir / KEY_FILE
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_new(path, Fernet.generate_key())
        _keep_private(path)
        keys = tuple(path.read_text(encoding="ascii", errors="replace").split())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be used: {error.strerror}") from None
    if not keys:
        # Never replaced by a new key: that would lose whatever the old one has sealed.
        raise ConfigurationError(f"{path} is empty; restore it, or delete it if no mailbox is connected")
    return keys


def _parsed(key: str, place: int) -> Fernet:
    try:
        return Fernet(key.encode())
    except ValueError:
        raise ConfigurationError(
            f"key {place} of ZENA_SECRET_KEYS (or of {KEY_FILE}) is not a Fernet key, which is 32 bytes in "
            f"urlsafe base64; {_HOW_TO_MAKE_ONE}"
        ) from None


def _write_new(path: Path, key: bytes) -> None:
    """Create the file with this key, on the disk before anything can be sealed with it."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _keep_private(path: Path) -> None:
    """Take other users' access away, as ssh demands of its keys; fails for one who does not own it."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)

"""The log of a configuration, opened for writing, and its public key beside it."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

from gateway.access_log.log_file import LogFile
from gateway.access_log.tree import fact_in, tampered
from gateway.access_log.writing import AccessLog
from gateway.config import Config
from regions.errors import AccessLogError
from regions.key_ring import sync_folder
from regions.keys import Keys
from resolvers.access_log.notes import NoteSigner

__all__ = ["log_exists", "open_access_log", "open_log_file", "vkey_of"]

_BUSY_SECONDS = 10.0


def open_access_log(config: Config, keys: Keys) -> AccessLog:
    """The log of one worker; its public key is put beside it if it is not there.

    Raises AccessLogError, and AccessLogTampered where another log was there before.
    """
    _must_exist(config)
    log = AccessLog(
        config.log_store, keys.log_signing, origin=config.log_origin, name=_name(config)
    )
    _keep(config.log_vkey, log.vkey)
    return log


def open_log_file(config: Config, keys: Keys) -> LogFile:
    """The same without a thread of its own. Raises OSError and sqlite3.Error, too."""
    _must_exist(config)
    log = LogFile(
        config.log_store,
        keys.log_signing,
        origin=config.log_origin,
        name=_name(config),
        busy_seconds=_BUSY_SECONDS,
    )
    _keep(config.log_vkey, log.vkey)
    return log


def _must_exist(config: Config) -> None:
    if config.log_vkey.exists() and not config.log_store.exists():
        raise tampered(f"{config.log_store} is gone")


def _name(config: Config) -> str:
    return f"epigate-{config.regions[0].code}"


def vkey_of(config: Config, keys: Keys) -> str:
    """The public key of the log there is. Raises AccessLogError where there is none."""
    try:
        with closing(_reading(config.log_store)) as connection:
            origin = fact_in(connection, "origin")
    except sqlite3.Error as error:
        raise AccessLogError(f"the access log {config.log_store} cannot be read: {error}") from None
    if origin is None:
        raise AccessLogError(
            f"the access log {config.log_store} has no tree yet",
            hint="`epigate init` gives it one, and so does `epigate serve`",
        )
    return str(NoteSigner(origin, keys.log_signing).verifier)


def log_exists(config: Config) -> bool:
    """Whether the log has a checkpoint, so that another key would not fit it."""
    try:
        with closing(_reading(config.log_store)) as connection:
            return connection.execute("SELECT 1 FROM checkpoints LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False


def _reading(path: Path) -> sqlite3.Connection:
    # Not `mode=ro`: the write-ahead log of a file that is not in use could not be read.
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)


def _keep(path: Path, vkey: str) -> None:
    try:
        _keep_file(path, vkey)
    except OSError as error:
        raise AccessLogError(f"the log's public key cannot be kept: {error}") from None


def _keep_file(path: Path, vkey: str) -> None:
    """Whole or not at all: a file that a power failure left empty is written again."""
    if not path.exists() or not path.read_text("utf-8").strip():
        unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(f"{vkey}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            if path.exists():
                unfinished.replace(path)
            else:
                with suppress(FileExistsError):  # a worker beside us was faster
                    os.link(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
        sync_folder(path.absolute().parent)
    known = path.read_text("utf-8").strip()
    if known != vkey:
        raise tampered(
            f"{path} is the public key of {known.partition('+')[0]}, "
            f"but the log says it is {vkey.partition('+')[0]}, or was signed by another key"
        )

"""What the commands of `epigate audit` share: the log or bundle, its key, and a bar of progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.access_log.bundles import Bundle, is_bundle, open_bundle
from gateway.access_log.live import LiveLog, live_log
from gateway.access_log.starting import tell_log
from gateway.access_log.system import operator, system_row
from gateway.config import Config, load_config
from regions.errors import (
    AccessLogError,
    AccessLogTampered,
    EpigateError,
    InvalidInput,
    KeysError,
    NoteInvalid,
)
from regions.keys import load_keys
from resolvers.access_log.notes import VerifierKey
from resolvers.access_log.verifying import Source

__all__ = [
    "KeyOption",
    "believed",
    "key_of",
    "note_in",
    "progress",
    "source_named",
    "source_of",
    "state_of",
    "tell_reading",
    "text_of",
]

_KEY_HELP = (
    "The log's public key, or a file with it; keep your own copy. Without it the key beside the "
    "log, or in the bundle, is believed."
)
KeyOption = Annotated[str | None, typer.Option("--key", help=_KEY_HELP, metavar="KEY")]


@contextmanager
def source_of(bundle: Path | None, config: Path) -> Iterator[Source]:
    """The log of a configuration, or a bundle. Raises InvalidInput, AccessLogError."""
    if bundle is None:
        with live_log(load_config(config).log_store) as log:
            yield log
    elif not bundle.exists():
        raise InvalidInput(f"there is no {bundle}")
    else:
        with open_bundle(bundle) as found:
            yield found


@contextmanager
def source_named(config: Config, origin: str) -> Iterator[tuple[Source | None, VerifierKey | None]]:
    """The log of a name, or a bundle of it, and the public key beside it; None for what is not
    here.
    """
    with ExitStack() as stack:
        for path in (config.log_store, *config.log_other_paths):
            try:
                found: Bundle | LiveLog
                if path.is_dir() or path.suffix == ".tar":
                    found = stack.enter_context(open_bundle(path))
                    key = found.vkey
                else:
                    found = stack.enter_context(live_log(path))
                    beside = path.with_name("access-log.vkey")
                    key = beside.read_text("utf-8") if beside.exists() else ""
            except (EpigateError, OSError):
                continue
            if found.note.partition("\n")[0] == origin:
                yield found, VerifierKey.parse(key.strip()) if key else None
                return
        yield None, None


@contextmanager
def state_of(path: Path | None, config: Path) -> Iterator[tuple[str, Source | None]]:
    """The checkpoint of a state, and its tiles where it has any."""
    if path is not None and path.exists() and not is_bundle(path):
        yield text_of(path), None
        return
    with source_of(path, config) as source:
        yield source.note, source


def note_in(path: Path) -> str:
    """The checkpoint of a bundle, or of a file of its own."""
    if is_bundle(path):
        with open_bundle(path) as found:
            return found.note
    return text_of(path)


def believed(source: Source | None, path: Path | None, config: Path | Config) -> VerifierKey:
    """The key that comes with the log."""
    if isinstance(source, Bundle):
        Console(stderr=True).print(
            f"epigate: no --key given: believing the key in {path}", style="yellow", soft_wrap=True
        )
        return VerifierKey.parse(source.vkey)
    loaded = load_config(config) if isinstance(config, Path) else config
    if not loaded.log_vkey.exists():
        raise AccessLogError(
            f"there is no {loaded.log_vkey}", hint="give --key, or start the gateway once"
        )
    return VerifierKey.parse(text_of(loaded.log_vkey))


def tell_reading(config: Config, operation: str, **what: Any) -> None:
    """Puts into the log that somebody reads it, before they do (G4). Without the keys, on an
    auditor's machine, nothing can be put into it; into one that does not verify, nothing either,
    and what is read is evidence: both are said. Raises AccessLogError, and then nothing is read.
    """
    try:
        keys = load_keys(config.keys, sm=config.sm)
        tell_log(config, keys, system_row(operation, by=operator(), **what))
    except (KeysError, AccessLogTampered) as error:
        Console(stderr=True).print(
            f"epigate: that the log was read is not in it: {error.message}",
            style="yellow",
            soft_wrap=True,
        )


def key_of(text: str) -> VerifierKey:
    """A public key, given as such or as the file that holds it. Raises NoteInvalid."""
    path = Path(text)
    try:
        if path.is_file():
            text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        pass
    return VerifierKey.parse(text)


def text_of(path: Path) -> str:
    """The text of a file. Raises InvalidInput, NoteInvalid."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoteInvalid(f"{path} is no text") from None


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal."""
    error = Console(stderr=True)
    if quiet or not error.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=error, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

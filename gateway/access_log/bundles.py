"""Bundles: the log, or a part of it, as files that an auditor takes along and checks anywhere.

A folder or a tar file:

    checkpoint          the newest signed checkpoint, with cosignatures (C2SP tlog-checkpoint)
    cosigned            the newest that a witness cosigned, where that is another
    kept/<size>         older checkpoints that are kept
    log.vkey            the public key the log says it is signed with
    part                indexes of the first entry and behind the last one
    tile/<level>/…      hashes (C2SP tlog-tiles)
    tile/entries32/…    entries, 256 together
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gateway.access_log.live import LiveLog
from regions.errors import AccessLogError, InvalidInput, NoteInvalid
from resolvers.access_log.tiles import (
    WIDTH,
    bundle_path,
    pack_entries,
    tile_path,
    tiles_of,
    unpack_entries,
)

__all__ = ["Bundle", "is_bundle", "open_bundle", "write_bundle"]

_CHECKPOINT = "checkpoint"
_LONGEST = 1 << 30  # bytes of one file of a bundle
_COUNT = re.compile(r"0|[1-9][0-9]{0,18}")


class _Files(Protocol):
    """Files by their paths, in a folder or a tar file."""

    def read(self, path: str) -> bytes | None:
        """A file's content, None where there is none."""

    def names(self, folder: str) -> Sequence[str]:
        """The names of a folder's files."""


class Bundle:
    """A bundle, to be verified. Raises AccessLogError where it is none."""

    def __init__(self, name: str, files: _Files) -> None:
        self.name, self._files = name, files
        self.note = self._text(_CHECKPOINT)
        self.vkey = self._text("log.vkey").strip()
        self.first, self.last = self._part()
        self.hashed = self.first

    @property
    def notes(self) -> Sequence[str]:
        """Older checkpoints, oldest first."""
        sizes = [int(name) for name in self._files.names("kept") if _COUNT.fullmatch(name)]
        found = [self._text(f"kept/{size}") for size in sorted(sizes)]
        cosigned = self._files.read("cosigned")
        return found if cosigned is None else [*found, cosigned.decode()]

    def cosigned(self) -> str | None:
        """The newest checkpoint that a witness cosigned, where that is not `note`."""
        found = self._files.read("cosigned")
        return None if found is None else found.decode()

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """The hashes of a tile."""
        return self._files.read(tile_path(level, index, width))

    def bundle(self, index: int, width: int) -> list[bytes] | None:
        """The entries of a tile of level 0."""
        raw = self._files.read(bundle_path(index, width))
        if raw is None:
            return None
        try:
            return unpack_entries(raw)
        except ValueError:
            return []

    def _text(self, path: str) -> str:
        raw = self._files.read(path)
        if raw is None:
            raise AccessLogError(
                f"{self.name} is no bundle: there is no file `{path}` in it",
                hint="expected a folder or tar file that `epigate audit export` wrote",
            )
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise NoteInvalid(f"`{path}` of {self.name} is no text") from None

    def _part(self) -> tuple[int, int | None]:
        words = self._text("part").split()
        if len(words) != 2 or not all(map(_COUNT.fullmatch, words)):
            raise AccessLogError(f"`part` of {self.name} has not two numbers")
        first, last = map(int, words)
        if first > last or (first == last and first):
            raise AccessLogError(f"`part` of {self.name} names no entries: {first} to {last}")
        return first // WIDTH * WIDTH, last


def is_bundle(path: Path) -> bool:
    """Whether a path is a folder or a tar file with a checkpoint, rather than one alone."""
    if path.is_dir():
        return True
    try:
        return path.is_file() and tarfile.is_tarfile(path)
    except OSError:
        return False


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """The bundle of a folder or tar file. Raises AccessLogError."""
    if path.is_dir():
        yield Bundle(str(path), _Folder(path))
        return
    try:
        archive = tarfile.open(path)  # noqa: SIM115 (closed below)
    except (OSError, tarfile.TarError) as error:
        raise AccessLogError(f"{path} cannot be read: {error}") from None
    with archive:
        yield Bundle(str(path), _Archive(archive))


def write_bundle(
    log: LiveLog,
    path: Path,
    *,
    vkey: str,
    first: int = 0,
    last: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes entries `first` to before `last` (the whole bundles they are in) with all that proves
    them; returns how many entries the bundle has.

    A path that ends with `.tar` becomes a tar file. Raises InvalidInput where it exists or the
    range is none, AccessLogError where the log is not whole.
    """
    size = log.size
    last = size if last is None else last
    if not 0 <= first < last <= size and not first == last == size == 0:
        raise InvalidInput(
            f"there are no entries {first} to {last} (not included)",
            hint=f"the log has the indexes 0 to {size - 1}",
        )
    first = max(first // WIDTH * WIDTH, log.first)
    last = min(size, -(-last // WIDTH) * WIDTH)
    if path.exists():
        raise InvalidInput(f"{path} exists already", hint="name another file or folder")
    with _writing(path) as write:
        write("log.vkey", f"{vkey}\n".encode())
        write("part", f"{first} {last}\n".encode())
        kept = log.notes
        for note in kept:
            write(f"kept/{note.splitlines()[1]}", note.encode())
        cosigned = log.cosigned()
        if cosigned is not None and cosigned != log.note:
            write("cosigned", cosigned.encode())
        needed = {at // WIDTH for at in (size, *(int(note.splitlines()[1]) for note in kept))}
        for tile in tiles_of(size):
            level, index, width = tile.level, tile.index, tile.width
            inside = first // WIDTH <= index < -(-last // WIDTH)
            if level == 0 and not inside and index not in needed:
                continue
            hashes = log.tile(level, index, width)
            if hashes is None and level == 0 and not inside:
                continue  # pruned
            if hashes is None:
                raise AccessLogError(
                    f"tile {level}/{index} of the log is missing",
                    hint="`epigate audit verify` says what else is wrong with it",
                )
            write(tile_path(level, index, width), hashes)
            if level == 0 and inside:
                entries = log.bundle(index, width)
                if entries is None or len(entries) != width:
                    raise AccessLogError(
                        f"entries of the log are missing behind {index * WIDTH}",
                        hint="`epigate audit verify` says what else is wrong with it",
                    )
                write(bundle_path(index, width), pack_entries(entries))
                if progress is not None:
                    progress(index * WIDTH + width - first, last - first)
        write(_CHECKPOINT, log.note.encode())  # last: without it, it is no bundle
    return last - first


@contextmanager
def _writing(path: Path) -> Iterator[Callable[[str, bytes], None]]:
    try:
        if path.suffix == ".tar":
            with tarfile.open(path, "x") as archive:

                def add(name: str, content: bytes) -> None:
                    member = tarfile.TarInfo(name)
                    member.size, member.mode = len(content), 0o600
                    archive.addfile(member, io.BytesIO(content))

                os.chmod(path, 0o600)
                yield add
            return
        path.mkdir(mode=0o700)

        def put(name: str, content: bytes) -> None:
            target = path / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(content)

        yield put
    except (OSError, tarfile.TarError) as error:
        raise AccessLogError(f"{path} cannot be written: {error}") from None


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, path: str) -> bytes | None:
        try:
            status = (self._path / path).stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
                return None
            return (self._path / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise AccessLogError(f"{self._path / path} cannot be read: {error}") from None

    def names(self, folder: str) -> Sequence[str]:
        try:
            return [one.name for one in (self._path / folder).iterdir()]
        except OSError:
            return ()


class _Archive:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        try:
            self._members = {m.name.removeprefix("./"): m for m in archive.getmembers()}
        except (tarfile.TarError, OSError) as error:
            raise AccessLogError(f"the tar file is damaged: {error}") from None

    def read(self, path: str) -> bytes | None:
        member = self._members.get(path)
        if member is None or not member.isfile() or member.size > _LONGEST:
            return None
        try:
            handle = self._archive.extractfile(member)
            return None if handle is None else handle.read()
        except (tarfile.TarError, OSError) as error:
            raise AccessLogError(f"the tar file is damaged: {error}") from None

    def names(self, folder: str) -> Sequence[str]:
        head = f"{folder}/"
        return [name.removeprefix(head) for name in self._members if name.startswith(head)]

"""Several workers: started together, started again when they die, ended together."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from gateway._listening import Address
from gateway._worker import GRACE_SECONDS, Factory, pinned, run_worker, watch_parent
from gateway.config import Config
from regions.errors import EpigateError, ServeError

__all__ = ["Supervisor"]

_READY = b"ready"
_ENDING = (signal.SIGTERM, signal.SIGINT)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0  # seconds before a worker that died is started again
_SOUND_SECONDS = 60.0  # a worker that served so long did not die of its start


@dataclass
class _Place:
    """One worker's place: its core, the process in it and how that fares."""

    number: int
    core: int | None
    process: BaseProcess | None = None
    told: Connection | None = None
    ready: bool = False
    error: EpigateError | None = None  # with which it said it ends
    started_at: float = 0.0
    due_at: float = 0.0  # of its next start, while there is no process
    pause: float = field(default=_FIRST_PAUSE)


class Supervisor:
    """Runs one worker for each of `cores` (None: on any) until SIGTERM or SIGINT.

    Workers are forked, so that what the parent has imported is shared; it must have no threads.
    """

    def __init__(
        self, make: Factory, config: Config, address: Address, cores: Sequence[int | None]
    ) -> None:
        self._make, self._config, self._address = make, config, address
        self._places = [_Place(number, core) for number, core in enumerate(cores)]
        self._context = multiprocessing.get_context("fork")
        self._life = os.pipe()  # workers read one end; the other closes when this process ends
        self._stopping = False

    def run(self, started: Callable[[], None]) -> None:
        """Calls `started` when all workers serve. Raises what kept the first of them from it."""
        try:
            with self._signals() as awake:
                for place in self._places:
                    self._start(place)
                told = False
                while not self._stopping:
                    self._wait(awake)
                    self._look(failing=not told)
                    if not told and all(place.ready for place in self._places):
                        told = True
                        started()
        finally:
            self._stop()

    def _start(self, place: _Place) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=self._work, args=(place, theirs), name=f"worker {place.number}"
        )
        # A signal to end must not meet the worker while it still has the parent's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        theirs.close()
        place.process, place.told = process, ours
        place.ready, place.error = False, None
        place.started_at = time.monotonic()

    def _work(self, place: _Place, tell: Connection) -> None:
        """In the worker's process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent passes it on
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until the server listens to it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        os.close(self._life[1])
        watch_parent(self._life[0])
        with pinned(place.core):
            try:
                listening = self._address.open_socket()
                run_worker(self._make, self._config, listening, lambda: tell.send(_READY))
            except EpigateError as error:
                tell.send(_portable(error))
                sys.exit(1)
            except Exception:
                traceback.print_exc()
                sys.exit(1)

    def _wait(self, awake: socket.socket) -> None:
        """Until a worker tells something or ends, a signal comes, or a worker is due."""
        things: list[Connection | socket.socket | int] = [awake]
        due = [place.due_at for place in self._places if place.process is None]
        for place in self._places:
            if place.process is not None:
                things.append(place.process.sentinel)
            if place.told is not None:
                things.append(place.told)
        pause = max(0.0, min(due) - time.monotonic()) if due else None
        wait(things, pause)
        with suppress(BlockingIOError):
            awake.recv(64)

    def _look(self, *, failing: bool) -> None:
        """Hears what workers told, and starts those that are due; `failing` raises instead."""
        for place in self._places:
            if place.process is None:
                if time.monotonic() >= place.due_at and not self._stopping:
                    self._start(place)
                continue
            self._hear(place)
            if place.process.is_alive() or self._stopping:
                continue
            code = place.process.exitcode
            place.process = None
            if failing:
                raise place.error or ServeError(f"a worker ended at its start with code {code}")
            self._postpone(place, f"code {code}" if place.error is None else str(place.error))

    def _hear(self, place: _Place) -> None:
        """Takes what the worker told since: that it is ready, or why it ends."""
        try:
            while place.told is not None and place.told.poll():
                heard = place.told.recv()
                if heard == _READY:
                    place.ready = True
                else:
                    place.error = pickle.loads(heard)
        except (EOFError, OSError):
            if place.told is not None:
                place.told.close()
            place.told = None

    def _postpone(self, place: _Place, reason: str) -> None:
        now = time.monotonic()
        if now - place.started_at > _SOUND_SECONDS:
            place.pause = _FIRST_PAUSE
        place.ready = False
        place.due_at = now + place.pause
        _say(f"worker {place.number} ended ({reason}); another starts in {place.pause:g} s")
        place.pause = min(2 * place.pause, _LONGEST_PAUSE)

    def _stop(self) -> None:
        self._stopping = True
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS + 1
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                _say(f"{process.name} did not end in {GRACE_SECONDS + 1} s and is killed")
                process.kill()
                process.join()
        for end in self._life:
            os.close(end)

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """SIGTERM and SIGINT end `run`; the socket wakes its waiting."""
        awake, waker = socket.socketpair()
        awake.setblocking(False)
        waker.setblocking(False)
        before = {number: signal.signal(number, self._told_to_stop) for number in _ENDING}
        previous = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield awake
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            awake.close()
            waker.close()

    def _told_to_stop(self, *_: object) -> None:
        self._stopping = True


def _portable(error: EpigateError) -> bytes:
    try:
        return pickle.dumps(error)
    except Exception:  # a detail that cannot be pickled
        return pickle.dumps(ServeError(str(error), hint=error.hint))


def _say(text: str) -> None:
    print(f"epigate: {text}", file=sys.stderr, flush=True)

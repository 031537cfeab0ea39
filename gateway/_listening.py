"""The address a gateway listens on, and one socket for each of its workers.

On Linux each worker has a socket of its own on the same port (SO_REUSEPORT), and the kernel spreads
connections over them; a worker that died takes no connection. Elsewhere they share one socket.
"""

from __future__ import annotations

import errno
import socket
import sys

from regions.errors import PortInUse, ServeError

__all__ = ["Address", "shared_socket"]

_SPREADS = sys.platform == "linux"


class Address:
    """A host and a port, held from the beginning until `close`. Raises PortInUse, ServeError.

    Of port 0, the system chooses one; `port` is it then.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self._family, self._sockaddr = _resolve(host, port)
        # Where a port may be shared, a second gateway on it would not be refused but get half of
        # the connections. So it is tried unshared first.
        trial = self._bound(share=False)
        self.port: int = trial.getsockname()[1]
        self._sockaddr = (self._sockaddr[0], self.port, *self._sockaddr[2:])
        if _SPREADS:
            trial.close()
            self._held = self._bound(share=True)  # never listens: only keeps the port
        else:
            self._held = trial

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def open_socket(self) -> socket.socket:
        """A bound socket for one worker, opened in its process; it does not listen yet."""
        return self._bound(share=True) if _SPREADS else self._held

    def close(self) -> None:
        """Gives the port up, as far as this process goes."""
        self._held.close()

    def _bound(self, *, share: bool) -> socket.socket:
        return _bound(self.host, self._family, self._sockaddr, share=share)


def shared_socket(host: str, port: int) -> socket.socket:
    """A bound socket on a port that workers share, and that their parent holds by an `Address`.

    Raises PortInUse, ServeError.
    """
    family, sockaddr = _resolve(host, port)
    return _bound(host, family, sockaddr, share=_SPREADS)


def _bound(
    host: str, family: socket.AddressFamily, sockaddr: tuple[str, int], *, share: bool
) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(sockaddr)
    except OSError as error:
        made.close()
        raise _refused(host, sockaddr[1], error) from None
    return made


def _refused(host: str, port: int, error: OSError) -> ServeError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} of {host} is in use",
            hint="end the program that listens there, or choose another port with --port",
            port=port,
        )
    hint = "ports below 1024 need rights" if error.errno == errno.EACCES else ""
    return ServeError(f"cannot listen on {host}, port {port}: {error.strerror}", hint=hint)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ServeError(
            f"{host!r} is no address: {error}", hint="an address of this machine, such as 127.0.0.1"
        ) from None
    family, _, _, _, sockaddr = found[0]
    return family, sockaddr  # type: ignore[return-value]  # of these families it is such a pair

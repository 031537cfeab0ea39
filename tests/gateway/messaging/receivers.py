"""Real receivers of messages on this machine: an HTTP server and an SMTP server, with memories.

Each may be told to behave as receivers do at their worst: to answer with an error, to take a
message and lose the answer, to be slow. `seen` is what came in; `taken` what it would have passed
on, which a receiver that honours keys does once for a key.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

__all__ = ["HttpReceiver", "SmtpReceiver", "closed_port", "http_receiver", "smtp_receiver"]


@dataclass
class HttpReceiver:
    """An HTTP server. `answers` are given in turn, then 200 for ever: a status, or "lose" for an
    answer that is lost after the message was taken, or "kill" and "take and kill" for a sender that
    dies (`victim`) before or after it was.
    """

    url: str = ""
    honours: bool = True
    answers: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # of the answers
    body: bytes = b"{}"
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)
    victim: Callable[[], None] = lambda: None

    def take(self, key: str, body: bytes) -> None:
        """Passes a message on, unless it honours keys and has seen this one."""
        if not self.honours or key not in [known for known, _ in self.taken]:
            self.taken.append((key, body))


@contextmanager
def http_receiver(*answers: int | str, honours: bool = True) -> Iterator[HttpReceiver]:
    """A running one."""
    receiver = HttpReceiver(honours=honours, answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = {name.lower(): value for name, value in self.headers.items()}
            key = told.get("idempotency-key") or told.get("webhook-id", "")
            with receiver.turn:
                receiver.seen.append((told, body))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if answer in ("lose", "take and kill", 200, 202):
                    receiver.take(key, body)
            if isinstance(answer, str):
                if answer != "lose":
                    receiver.victim()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, format: str, *values: Any) -> None:
            """Nothing: bodies and numbers are no test's to print."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/messages"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class SmtpReceiver:
    """An SMTP server. `answers` to what a mail ends with, in turn, then 250 for ever: a line, or
    "lose" for an answer that is lost after the mail was taken.
    """

    port: int = 0
    answers: list[str] = field(default_factory=list)
    recipients: dict[str, str] = field(default_factory=dict)  # answers to addresses
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)


@contextmanager
def smtp_receiver(*answers: str, letters: bool = True) -> Iterator[SmtpReceiver]:
    """A running one, with SMTPUTF8 or without. Nobody signs in there."""
    receiver = SmtpReceiver(answers=list(answers))

    class Handler:
        async def handle_RCPT(
            self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
        ) -> str:
            answer = receiver.recipients.get(address, "250 OK")
            if answer.startswith("250"):
                envelope.rcpt_tos.append(address)
            return answer

        async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
            answer = receiver.answers.pop(0) if receiver.answers else "250 2.0.0 OK queued-7"
            if answer == "lose" or answer.startswith("250"):
                receiver.taken.append((list(envelope.rcpt_tos), envelope.content))
            if answer == "lose":
                assert isinstance(server.transport, asyncio.Transport)
                server.transport.abort()
            return answer

    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=closed_port(),
        enable_SMTPUTF8=letters,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
    )
    controller.start()
    receiver.port = controller.port
    try:
        yield receiver
    finally:
        controller.stop()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

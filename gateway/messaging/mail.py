"""E-mail by SMTP, with a `Message-ID` that is the same at every attempt.

SMTP hands a mail over in one step: after the last dot the server answers that it has it. Everything
before that can be taken back; a connection that breaks between the dot and the answer is a doubt
(RFC 5321, 4.5.3.2.6, knows it as the cause of doubled mails).

An address with other letters than ASCII needs a server that says SMTPUTF8 (RFC 6531); what it is to
get is made before anything is said, so that no letter ends an attempt half way. A domain with such
letters is said in its ASCII form, which every server knows.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as SMTPUTF8_POLICY
from email.utils import format_datetime, formataddr, parseaddr

from gateway.messaging.channels import Handing, Outcome, Parcel, Verdict, word

__all__ = ["SUBJECT", "Mail"]

SUBJECT = "预警系统提示"

_GO_ON = 354
_LETTERS = "SMTPUTF8"


class Mail:
    """The mail server."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        security: str = "starttls",
        user: str = "",
        password: str = "",
        drops_repeats: bool = False,
        timeout: float = 30.0,
    ) -> None:
        name, address = parseaddr(sender)
        self._host, self._port, self._name = host, port, name
        self._sender = _said(address)
        self._security, self._user, self._password = security, user, password
        self._timeout, self.drops_repeats = timeout, drops_repeats

    async def send(self, parcel: Parcel, handing: Handing) -> Outcome:
        """Mails it; in a thread, since smtplib waits."""
        if not parcel.email:
            return Outcome(Verdict.REFUSED, "NO_ADDRESS")
        loop = asyncio.get_running_loop()

        def before() -> None:
            asyncio.run_coroutine_threadsafe(_awaited(handing), loop).result()

        return await asyncio.to_thread(self._send, parcel, before)

    async def close(self) -> None:
        """Nothing is kept open."""

    def message(self, parcel: Parcel, to: str) -> EmailMessage:
        """The mail: the same bytes at every attempt. Raises ValueError and MessageError where the
        address is none.
        """
        plain = (self._sender + to).isascii()
        mail = EmailMessage(policy=SMTP_POLICY if plain else SMTPUTF8_POLICY)
        named = self._sender.isascii()  # formataddr says no name to other addresses
        mail["From"] = formataddr((self._name, self._sender)) if named else self._sender
        mail["To"] = to
        mail["Subject"] = SUBJECT
        mail["Date"] = format_datetime(datetime.fromisoformat(parcel.due_at))
        mail["Message-ID"] = f"<{parcel.key}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
        mail.set_content(parcel.text, cte="base64")
        return mail

    def _send(self, parcel: Parcel, before: Callable[[], None]) -> Outcome:
        try:
            to = _said(parcel.email)
            content = _dotted(self.message(parcel, to).as_bytes())
        except (ValueError, IndexError, MessageError):  # of the parser of addresses
            return Outcome(Verdict.REFUSED, "BAD_ADDRESS")
        server = None
        try:
            server = self._connect()
            return self._hand_over(server, parcel, to, content, before)
        except smtplib.SMTPAuthenticationError:
            return Outcome(Verdict.NOT_NOW, "SIGN_IN_FAILED")
        except smtplib.SMTPResponseException as error:
            return _said_no(error.smtp_code)
        except (smtplib.SMTPException, OSError):  # a certificate that does not fit is an OSError
            return Outcome(Verdict.NOT_NOW, "UNREACHABLE")
        finally:
            if server is not None:
                server.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                server.starttls(context=context)
            if self._user:
                try:
                    server.login(self._user, self._password)
                except UnicodeError:  # smtplib says ASCII alone
                    raise smtplib.SMTPAuthenticationError(0, b"not ASCII") from None
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(
        self,
        server: smtplib.SMTP,
        parcel: Parcel,
        to: str,
        content: bytes,
        before: Callable[[], None],
    ) -> Outcome:
        server.ehlo_or_helo_if_needed()
        options = () if (self._sender + to).isascii() else (_LETTERS, "BODY=8BITMIME")
        if options and not server.has_extn(_LETTERS):
            return Outcome(Verdict.REFUSED, f"NEEDS_{_LETTERS}")
        for code, _ in (server.mail(self._sender, options), server.rcpt(to)):
            if not 200 <= code < 300:
                return _said_no(code)
        code, _ = server.docmd("DATA")
        if code != _GO_ON:
            return _said_no(code)
        before()
        try:
            server.send(content + b".\r\n")
            code, said = server.getreply()
        except (smtplib.SMTPException, OSError):
            return Outcome(Verdict.DOUBT, "ANSWER_LOST")
        if code == -1:  # the connection ended without an answer
            return Outcome(Verdict.DOUBT, "ANSWER_LOST")
        if not 200 <= code < 300:
            return _said_no(code)
        last = said.decode("ascii", "replace").split()
        return Outcome(Verdict.ACCEPTED, f"SMTP_{code}", word(last[-1], parcel) if last else None)


def _said(address: str) -> str:
    """An address as it is said to a server: its domain in ASCII. Raises UnicodeError where that
    cannot be said so.
    """
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode('ascii')}"


def _dotted(content: bytes) -> bytes:
    """A mail as it is sent: no line of it is a dot alone (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", content)


def _said_no(code: int) -> Outcome:
    """The server said that it has not taken it: for now (4xx), or for good (5xx)."""
    if code == -1:
        return Outcome(Verdict.NOT_NOW, "UNREACHABLE")
    return Outcome(Verdict.REFUSED if code >= 500 else Verdict.NOT_NOW, f"SMTP_{code}")


async def _awaited(handing: Handing) -> None:
    await handing()

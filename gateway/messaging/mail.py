"""E-mail by SMTP, with a `Message-ID` that is the same at every attempt.

SMTP hands a mail over in one step: after the last dot the server answers that it has it. Everything
before that can be taken back; a connection that breaks between the dot and the answer is a doubt
(RFC 5321, 4.5.3.2.6, knows it as the cause of doubled mails).
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from gateway.messaging.channels import Handing, Outcome, Parcel, Verdict, word

__all__ = ["SUBJECT", "Mail"]

SUBJECT = "预警系统提示"

_GO_ON = 354


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
        self._host, self._port, self._sender = host, port, sender
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

    def message(self, parcel: Parcel) -> EmailMessage:
        """The mail: the same bytes at every attempt."""
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._sender
        mail["To"] = parcel.email
        mail["Subject"] = SUBJECT
        mail["Date"] = format_datetime(datetime.fromisoformat(parcel.due_at))
        mail["Message-ID"] = f"<{parcel.key}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
        mail.set_content(parcel.text, cte="base64")
        return mail

    def _send(self, parcel: Parcel, before: Callable[[], None]) -> Outcome:
        server = None
        try:
            server = self._connect()
            return self._hand_over(server, parcel, before)
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
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(
        self, server: smtplib.SMTP, parcel: Parcel, before: Callable[[], None]
    ) -> Outcome:
        server.ehlo_or_helo_if_needed()
        for code, _ in (server.mail(self._sender), server.rcpt(parcel.email)):
            if not 200 <= code < 300:
                return _said_no(code)
        code, _ = server.docmd("DATA")
        if code != _GO_ON:
            return _said_no(code)
        before()
        content = smtplib.quotedata(self.message(parcel).as_bytes().decode("ascii"))
        try:
            server.send(content.encode("ascii") + b".\r\n")
            code, said = server.getreply()
        except (smtplib.SMTPException, OSError):
            return Outcome(Verdict.DOUBT, "ANSWER_LOST")
        if code == -1:  # the connection ended without an answer
            return Outcome(Verdict.DOUBT, "ANSWER_LOST")
        if not 200 <= code < 300:
            return _said_no(code)
        last = said.decode("ascii", "replace").split()
        return Outcome(Verdict.ACCEPTED, f"SMTP_{code}", word(last[-1], parcel) if last else None)


def _said_no(code: int) -> Outcome:
    """The server said that it has not taken it: for now (4xx), or for good (5xx)."""
    if code == -1:
        return Outcome(Verdict.NOT_NOW, "UNREACHABLE")
    return Outcome(Verdict.REFUSED if code >= 500 else Verdict.NOT_NOW, f"SMTP_{code}")


async def _awaited(handing: Handing) -> None:
    await handing()

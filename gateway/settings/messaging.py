"""The messages of signals: when they are sent again, and by which channels (E2, E10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.settings.checks import (
    FOLDER,
    HEADERS,
    HOURS,
    ISSUER,
    TEXT,
    TIME,
    YES_OR_NO,
    one_of,
    seconds,
    whole,
)
from gateway.settings.setting import Setting
from gateway.settings.templates import FORMATS, check_template

__all__ = ["MESSAGING", "contradictions"]

_DROPS = (
    "Whether the receiver drops what it has seen already, by the {name}. If not, a message of "
    "which nobody knows whether it was sent is not sent again, and says so."
)

MESSAGING: tuple[Setting, ...] = (
    Setting(
        "messages",
        "poll_seconds",
        "messages_poll_seconds",
        0.5,
        "s",
        "How often it is looked what is due: a single case is told within a second.",
        seconds(0.1, 3_600),
    ),
    Setting(
        "messages",
        "at",
        "messages_at",
        "08:00",
        "",
        "When the signals of a night are told, by the zone of `[detection]`; single cases at once.",
        TIME,
    ),
    Setting(
        "messages",
        "county",
        "messages_county",
        "own",
        "",
        "What follows a county's name: its `own` word (郎溪县, 江宁区), or `县` always.",
        one_of("own", "县"),
    ),
    Setting(
        "messages",
        "resend_hours",
        "messages_resend_hours",
        2,
        "h",
        "When a single-case signal without an abnormal information card is sent again.",
        whole(1, 720),
    ),
    Setting(
        "messages",
        "escalate_hours",
        "messages_escalate_hours",
        (),
        "h",
        "When, after it was sent, such a signal goes to the next level above, and so on: the first "
        "number is the city's, the second the province's, the third the country's.",
        HOURS,
    ),
    Setting(
        "messages",
        "escalate_statistical_hours",
        "messages_escalate_statistical_hours",
        (),
        "h",
        "The same for signals of counts.",
        HOURS,
    ),
    Setting(
        "messages",
        "late_hours",
        "messages_late_hours",
        24,
        "h",
        "How long a message is tried, from when it is due.",
        whole(1, 720),
    ),
    Setting(
        "messages",
        "lease_seconds",
        "messages_lease_seconds",
        120,
        "s",
        "How long one gateway has a message to itself; another goes on with it then.",
        whole(5, 3_600),
    ),
    Setting(
        "messages",
        "folder",
        "messages_folder",
        "",
        "",
        "Where every message is written into a file of the day, too; nowhere unless named.",
        FOLDER,
    ),
    Setting(
        "sms",
        "url",
        "sms_url",
        "",
        "",
        "The gateway that sends short messages; without one none are sent. Its token comes from "
        "`EPIGATE_SMS_TOKEN`.",
        ISSUER,
    ),
    Setting(
        "sms",
        "format",
        "sms_format",
        "json",
        "",
        "What its request is.",
        one_of(*FORMATS),
    ),
    Setting(
        "sms",
        "body",
        "sms_body",
        '{"mobile":"{mobile}","content":"{text}"}',
        "",
        "The request: `{mobile}` and `{text}` must stand in it; `{key}` is the same at every "
        "attempt, `{token}` the secret.",
        TEXT,
    ),
    Setting(
        "sms",
        "headers",
        "sms_headers",
        ("Authorization: Bearer {token}",),
        "",
        "Its headers; `Idempotency-Key` and `Content-Type` go with it anyway.",
        HEADERS,
    ),
    Setting(
        "sms",
        "accepted",
        "sms_accepted",
        "",
        "",
        "What the answer says where it was accepted, if its status does not tell; any text unless "
        "given.",
        TEXT,
    ),
    Setting(
        "sms",
        "drops_repeats",
        "sms_drops_repeats",
        False,
        "",
        _DROPS.format(name="`Idempotency-Key`"),
        YES_OR_NO,
    ),
    Setting(
        "sms",
        "timeout_seconds",
        "sms_timeout_seconds",
        10,
        "s",
        "How long it may take.",
        whole(1, 60),
    ),
    Setting(
        "email",
        "host",
        "email_host",
        "",
        "",
        "The mail server; without one no mails are sent.",
        TEXT,
    ),
    Setting("email", "port", "email_port", 587, "", "Its port.", whole(1, 65_535)),
    Setting(
        "email",
        "security",
        "email_security",
        "starttls",
        "",
        "How the connection is secured.",
        one_of("starttls", "tls", "none"),
    ),
    Setting(
        "email",
        "user",
        "email_user",
        "",
        "",
        "Who signs in there; nobody unless given. The password comes from "
        "`EPIGATE_EMAIL_PASSWORD`.",
        TEXT,
    ),
    Setting("email", "sender", "email_sender", "", "", "The address mails come from.", TEXT),
    Setting(
        "email",
        "drops_repeats",
        "email_drops_repeats",
        False,
        "",
        _DROPS.format(name="`Message-ID`"),
        YES_OR_NO,
    ),
    Setting(
        "email",
        "timeout_seconds",
        "email_timeout_seconds",
        30,
        "s",
        "How long each step of a mail may take.",
        whole(1, 60),
    ),
    Setting(
        "webhook",
        "url",
        "webhook_url",
        "",
        "",
        "Where every message is posted, signed; nowhere unless given. The secret comes from "
        "`EPIGATE_WEBHOOK_SECRET`.",
        ISSUER,
    ),
    Setting(
        "webhook",
        "timeout_seconds",
        "webhook_timeout_seconds",
        10,
        "s",
        "How long it may take.",
        whole(1, 60),
    ),
)


def _is_address(text: str) -> bool:
    """Whether mails can come from it: an address, with a name before it or not."""
    local, _, domain = text.rpartition("<")[2].removesuffix(">").rpartition("@")
    try:
        return bool(local and domain and domain.encode("idna"))
    except UnicodeError:
        return False


_STEPS = {"sms": 2, "email": 4, "webhook": 2}
"""Steps of a message, each of which may take the time of its channel."""


def contradictions(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """What does not fit together: section, key, what is wrong, what was expected.

    `values` are the settings by attribute.
    """
    if values["sms_url"]:
        try:
            check_template(values["sms_format"], values["sms_body"])
        except ValueError as error:
            yield "sms", "body", str(error), "a request with {mobile} and {text} in its format"
        for header in values["sms_headers"]:
            if "{mobile}" in header or "{text}" in header:
                yield "sms", "headers", "{mobile} and {text} stand in the body", "{token} or {key}"
    if values["email_host"]:
        if not _is_address(values["email_sender"]):
            yield "email", "sender", "no address", "the address mails come from"
        if values["email_user"] and values["email_security"] == "none":
            yield (
                "email",
                "security",
                "a password would go over an open line",
                "starttls or tls, or no user",
            )
    on = {"sms": values["sms_url"], "email": values["email_host"], "webhook": values["webhook_url"]}
    lease = values["messages_lease_seconds"]
    for section, steps in _STEPS.items():
        if on[section] and steps * values[f"{section}_timeout_seconds"] > lease:
            yield (
                section,
                "timeout_seconds",
                "a message takes longer than one gateway has it to itself",
                f"at most {lease // steps} s, or a longer `lease_seconds` of `[messages]`",
            )
    hours = values["messages_escalate_hours"]
    if hours and hours[0] < values["messages_resend_hours"]:
        yield (
            "messages",
            "escalate_hours",
            "the level above hears of it before it is sent again",
            "nothing before `resend_hours`",
        )

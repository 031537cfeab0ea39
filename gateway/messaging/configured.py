"""The channels that the configuration names; their secrets come from the environment alone."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gateway.config import Config
from gateway.messaging.channels import Channel
from gateway.messaging.folder import Folder
from gateway.messaging.mail import Mail
from gateway.messaging.sender import Sender
from gateway.messaging.sms import Sms
from gateway.messaging.webhook import Webhook
from regions.errors import KeysError
from regions.zones import zone_of
from resolvers.alerts.messages import MessageLimits
from resolvers.central import Central
from resolvers.writing.stores import Stores

__all__ = [
    "EMAIL_PASSWORD",
    "SMS_TOKEN",
    "WEBHOOK_SECRET",
    "channel_names",
    "make_channels",
    "make_sender",
]

SMS_TOKEN = "EPIGATE_SMS_TOKEN"
EMAIL_PASSWORD = "EPIGATE_EMAIL_PASSWORD"
WEBHOOK_SECRET = "EPIGATE_WEBHOOK_SECRET"

_SHORTEST_SECRET = 24  # characters


def make_sender(
    config: Config, stores: Stores, central: Central, channels: Mapping[str, Channel]
) -> Sender:
    """The sender of a gateway's messages of signals."""
    limits = MessageLimits(
        config.messages_resend_hours,
        config.messages_escalate_hours,
        config.messages_escalate_statistical_hours,
        config.messages_late_hours,
        config.messages_county,
    )
    return Sender(stores, central, channels, limits, lease=config.messages_lease_seconds)


def channel_names(config: Config) -> frozenset[str]:
    """The channels that a configuration names."""
    named = {
        "SMS": config.sms_url,
        "EMAIL": config.email_host,
        "WEBHOOK": config.webhook_url,
        "FILE": config.messages_path,
    }
    return frozenset(name for name, given in named.items() if given)


def make_channels(config: Config) -> Mapping[str, Channel]:
    """The channels by name: SMS, EMAIL, WEBHOOK, FILE. Raises KeysError where a secret is missing
    or too short.
    """
    found: dict[str, Channel] = {}
    if config.sms_url:
        found["SMS"] = Sms(
            config.sms_url,
            config.sms_format,
            config.sms_body,
            config.sms_headers,
            _token(config),
            accepted=config.sms_accepted,
            drops_repeats=config.sms_drops_repeats,
            timeout=config.sms_timeout_seconds,
        )
    if config.email_host:
        found["EMAIL"] = Mail(
            config.email_host,
            config.email_port,
            config.email_sender,
            security=config.email_security,
            user=config.email_user,
            password=_secret(EMAIL_PASSWORD, "the mail server") if config.email_user else "",
            drops_repeats=config.email_drops_repeats,
            timeout=config.email_timeout_seconds,
        )
    if config.webhook_url:
        secret = _secret(WEBHOOK_SECRET, "the webhook")
        if len(secret) < _SHORTEST_SECRET:
            raise KeysError(
                f"{WEBHOOK_SECRET} is shorter than {_SHORTEST_SECRET} characters",
                hint="take a random one, and give it to the receiver",
                key="webhook",
            )
        found["WEBHOOK"] = Webhook(
            config.webhook_url, secret.encode(), timeout=config.webhook_timeout_seconds
        )
    if config.messages_path is not None:
        found["FILE"] = Folder(config.messages_path, zone_of(config.detection_zone))
    return found


def _token(config: Config) -> str:
    """What the gateway of short messages knows us by; empty where it is said nowhere."""
    in_headers = any("{token}" in one for one in config.sms_headers)
    if not in_headers and "{token}" not in config.sms_body:
        return ""
    token = _secret(SMS_TOKEN, "the gateway of short messages")
    if in_headers and not (token.isascii() and token.isprintable()):
        raise KeysError(
            f"{SMS_TOKEN} has characters that cannot stand in a header",
            hint="take letters, digits and signs of ASCII, or put `{token}` into the body alone",
            key="sms_token",
        )
    return token


def _secret(variable: str, whose: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise KeysError(
            f"the secret of {whose} is missing",
            hint=f"put it into {variable}, or take its address out of the configuration",
            key=variable.removeprefix("EPIGATE_").lower(),
        )
    return value

"""The channels of a configuration: every mistake with its line, secrets from the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Config, load_config
from gateway.messaging.configured import (
    EMAIL_PASSWORD,
    SMS_TOKEN,
    WEBHOOK_SECRET,
    make_channels,
)
from gateway.settings.templates import check_template, fill
from regions.errors import ConfigError, KeysError

NANJING = '[[region]]\ncode = "3201"\nname = "南京"\nname_en = "Nanjing"\n'
SMS = '[sms]\nurl = "https://sms.example.org/send"\n'
EMAIL = '[email]\nhost = "mail.example.org"\nsender = "epigate@example.org"\n'
WEBHOOK = '[webhook]\nurl = "https://hooks.example.org/x"\n'
FILES = '[messages]\nfolder = "messages"\n'


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(NANJING + text, "utf-8")
    return load_config(path)


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        (SMS + 'body = "to={mobile}"\n', 7, "sms.body", "{text} does not stand in it"),
        (SMS + "body = '{mobile} {text}'\n", 7, "sms.body", "no JSON"),
        (SMS + "body = '\"{mobile}{text}\"'\n", 7, "sms.body", "no JSON object"),
        (SMS + 'body = \'{"a":"{mobile}{text}{name}"}\'\n', 7, "sms.body", "{name} is nothing"),
        (SMS + 'format = "form"\nbody = "{mobile}{text}"\n', 8, "sms.body", "no form"),
        (SMS + 'format = "xml"\n', 7, "sms.format", "none of them"),
        (SMS + 'headers = ["X"]\n', 7, "sms.headers", "not a header"),
        (SMS + 'headers = ["Idempotency-Key: 7"]\n', 7, "sms.headers", "anyway"),
        (SMS + 'headers = ["X-To: {mobile}"]\n', 7, "sms.headers", "in the body"),
        (SMS + "timeout_seconds = 61\n", 7, "sms.timeout_seconds", "out of range"),
        (SMS + "drops_repeats = 1\n", 7, "sms.drops_repeats", "neither true nor false"),
        ('[sms]\nurl = "http://sms.example.org"\n', 6, "sms.url", "not such an address"),
        ('[sms]\nurl = "https://sms.example.org/?to={mobile}"\n', 6, "sms.url", "not such"),
        ('[email]\nhost = "mail.example.org"\n', 5, "email.sender", "no address"),
        ('[email]\nhost = "m"\nsender = "epigate"\n', 7, "email.sender", "no address"),
        ('[email]\nhost = "m"\nsender = "a@例..cn"\n', 7, "email.sender", "no address"),
        (EMAIL + 'security = "none"\nuser = "u"\n', 8, "email.security", "open line"),
        (EMAIL + "timeout_seconds = 40\n", 8, "email.timeout_seconds", "takes longer"),
        ("[messages]\nescalate_hours = [4, 4]\n", 6, "messages.escalate_hours", "rising order"),
        ("[messages]\nescalate_hours = [1]\n", 6, "messages.escalate_hours", "sent again"),
        ("[messages]\nescalate_hours = [3, 4, 5, 6]\n", 6, "messages.escalate_hours", "three"),
        ('[messages]\ncounty = "x"\n', 6, "messages.county", "none of them"),
        ("[messages]\nresend = 2\n", 6, "messages.resend", "unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, key: str, said: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert (raised.value.details["line"], raised.value.details["key"]) == (line, key)
    assert said in raised.value.message


def test_channels_are_those_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_channels(load(tmp_path, "")) == {}
    monkeypatch.setenv(SMS_TOKEN, "sesame")
    monkeypatch.setenv(WEBHOOK_SECRET, "s" * 24)
    found = make_channels(load(tmp_path, SMS + EMAIL + WEBHOOK + FILES))
    assert list(found) == ["SMS", "EMAIL", "WEBHOOK", "FILE"]
    assert {name for name, one in found.items() if one.drops_repeats} == {"WEBHOOK", "FILE"}
    more = SMS + "drops_repeats = true\n" + EMAIL + "drops_repeats = true\n"
    assert all(one.drops_repeats for one in make_channels(load(tmp_path, more)).values())


def test_a_secret_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = EMAIL + 'user = "u"\n'
    for text, variable in ((SMS, SMS_TOKEN), (user, EMAIL_PASSWORD), (WEBHOOK, WEBHOOK_SECRET)):
        monkeypatch.delenv(variable, raising=False)
        with pytest.raises(KeysError) as raised:
            make_channels(load(tmp_path, text))
        assert variable in raised.value.hint
    monkeypatch.setenv(WEBHOOK_SECRET, "short")
    with pytest.raises(KeysError, match="shorter"):
        make_channels(load(tmp_path, WEBHOOK))
    make_channels(load(tmp_path, SMS + 'headers = ["X: y"]\n'))  # no place for a token


@pytest.mark.parametrize("token", ["密码", "two\nlines"])
def test_a_token_that_no_header_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(SMS_TOKEN, token)
    with pytest.raises(KeysError, match="cannot stand in a header"):
        make_channels(load(tmp_path, SMS))
    body = 'headers = ["X: y"]\nbody = \'{"to":"{mobile}","say":"{text}","by":"{token}"}\'\n'
    assert list(make_channels(load(tmp_path, SMS + body))) == ["SMS"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_is_filled_in_ends_its_place(mobile: str, text: str) -> None:
    template = '{"a":"{mobile}","b":["{text}"],"c":{"d":"{other}"}}'
    filled = fill("json", template, {"mobile": mobile, "text": text})
    assert json.loads(filled) == {"a": mobile, "b": [text], "c": {"d": "{other}"}}
    check_template("json", template.replace("{other}", "{key}"))

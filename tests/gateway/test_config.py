"""The configuration file: what is understood, and that every mistake names where and what."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gateway.config import Config, ConfigMissing, load_config, write_default
from gateway.settings import REGION, SETTINGS, settings_table
from regions.errors import ConfigError
from regions.settings import RegionSettings

ROOT = Path(__file__).parent.parent.parent

NANJING = '[[region]]\ncode = "3201"\nname = "南京"\nname_en = "Nanjing"\n'
WUXI = '[[region]]\ncode = "3202"\nname = "无锡"\nname_en = "Wuxi"\n'


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return load_config(path)


def mistake(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert raised.value.details["file"] == str(tmp_path / "config.toml")
    return raised.value


def test_the_shipped_configuration(tmp_path: Path) -> None:
    config = load_config(ROOT / "config.toml")
    assert [region.code for region in config.regions] == [
        *("320100", "320200", "320400", "321100", "330500", "340500", "341800", "500100")
    ]
    assert config.data == ROOT / "data"
    assert config.keys == ROOT / "keys"
    assert config.central_store == ROOT / "data" / "gateway.db"
    assert config.log_store == ROOT / "data" / "access-log.db"
    nanjing = config.regions[0]
    assert nanjing == RegionSettings(
        code="320100",
        name_zh="南京",
        name_en="Nanjing",
        prefixes=("3201",),
        path=ROOT / "data" / "regions" / "320100.db",
        url=None,
        deadline=2.0,
    )


def test_the_national_example() -> None:
    config = load_config(ROOT / "examples" / "national.toml")
    assert len(config.regions) == 34
    assert all(region.name_zh and region.name_en.isascii() for region in config.regions)
    assert config.regions[0].prefixes == ("11",)
    assert config.regions[0].code == "110000"


def test_defaults_are_those_of_the_table(tmp_path: Path) -> None:
    config = load(tmp_path, NANJING)
    for setting in SETTINGS:
        if setting.key not in ("data", "keys"):
            assert getattr(config, setting.attribute) == setting.default, setting.key


def test_settings_and_config_hold_together() -> None:
    flat = {setting.attribute for setting in SETTINGS}
    fields = {field.name for field in dataclasses.fields(Config)}
    assert flat | {"file", "regions"} == fields
    of_region = {setting.attribute for setting in REGION}
    assert of_region | {"path", "zone"} == {
        field.name for field in dataclasses.fields(RegionSettings)
    }
    assert all(setting.help.endswith(".") for setting in (*SETTINGS, *REGION))


def test_the_manual_holds_the_table() -> None:
    assert settings_table() in (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_a_region_of_several_places_on_postgresql(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[[region]]\ncode = "320000"\nname = "苏"\nname_en = "Su"\n'
        'prefixes = ["320100", "3202", "321102"]\ndeadline_ms = 1500\n'
        'url = "postgresql://epigate@db.example.org:5432/su"\n',
    )
    region = config.regions[0]
    assert region.prefixes == ("3201", "3202", "321102")
    assert region.path is None
    assert region.dialect == "postgresql"
    assert region.deadline == 1.5
    assert region.covers("320206")
    assert not region.covers("321111")


def test_folders_may_be_absolute(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    config = load(tmp_path, f'[gateway]\ndata = "{elsewhere}"\n{NANJING}')
    assert config.data == elsewhere
    assert config.keys == tmp_path / "keys"


HEAD = "# a comment\n\n[gateway]\nport = 8000\n\n"  # five lines; what follows begins on line 6

MISTAKES = {
    "a port out of range": (
        "[gateway]\nhost = 'a'\nport = 70000\n" + NANJING,
        (3, "gateway.port", "70000 is out of range", "a whole number from 1 to 65,535"),
    ),
    "a number as text": (
        f'{HEAD}[questions]\ndeadline_ms = "fast"\n{NANJING}',
        (7, "questions.deadline_ms", "not a whole number", "a whole number from 1 to 600,000"),
    ),
    "true is no number": (
        f"{HEAD}[stores]\nstatement_threads = true\n{NANJING}",
        (7, "stores.statement_threads", "not a whole number", "a whole number from 1 to 64"),
    ),
    "an empty text": (
        f'[gateway]\nhost = " "\n{NANJING}',
        (2, "gateway.host", "empty", "text"),
    ),
    "a misspelt key": (
        f"{HEAD}[questions]\npage_maximum = 3\n{NANJING}",
        (7, "questions.page_maximum", "unknown key", "`page_max`, perhaps"),
    ),
    "a key like no other": (
        f"{HEAD}[sign_in]\ncolour = 3\n{NANJING}",
        (7, "sign_in.colour", "unknown key", "one of attempts, lock_minutes"),
    ),
    "a misspelt section": (
        f"{HEAD}[sesions]\nhours = 3\n{NANJING}",
        (6, "sesions", "unknown section", "`sessions`, perhaps"),
    ),
    "a section that is a value": (
        f"stores = 3\n{NANJING}",
        (1, "stores", "not a table", "a table headed [stores]"),
    ),
    "pages longer than the longest": (
        f"{HEAD}[questions]\npage_default = 50\npage_max = 40\n{NANJING}",
        (7, "questions.page_default", "longer than the longest page", "at most page_max"),
    ),
    "no region": (HEAD, (1, "region", "no region", "at least one table headed [[region]]")),
    "one region as a table": (
        HEAD + NANJING.replace("[[region]]", "[region]"),
        (6, "region", "not a list of tables", "tables headed [[region]]"),
    ),
    "a region without a name": (
        f'{HEAD}{NANJING}\n[[region]]\ncode = "3202"\nname_en = "Wuxi"\n',
        (11, "region", "`name` is missing", "text"),
    ),
    "a code as a number": (
        f"{HEAD}{NANJING}{WUXI.replace(chr(34) + '3202' + chr(34), '3202')}",
        (
            11,
            "region.code",
            'not text: codes stand in quotes, "3201"',
            'a GB/T 2260 code of 2, 4 or 6 digits in quotes, such as "3201"',
        ),
    ),
    "a code of five digits": (
        NANJING.replace("3201", "32010"),
        (
            2,
            "region.code",
            "'32010' has not 2, 4 or 6 digits",
            'a GB/T 2260 code of 2, 4 or 6 digits in quotes, such as "3201"',
        ),
    ),
    "a code that is not in the table": (
        NANJING.replace("3201", "3299"),
        (
            2,
            "region.code",
            "3299 is no code of GB/T 2260",
            'a GB/T 2260 code of 2, 4 or 6 digits in quotes, such as "3201"',
        ),
    ),
    "a code that died": (
        NANJING + 'prefixes = [\n  "320102",\n  "320103",\n]\n',
        (
            5,
            "region.prefixes",
            "320103 is no code of GB/T 2260; it became 320104",
            'a list of GB/T 2260 codes, such as ["3201", "3211"]',
        ),
    ),
    "prefixes that are no list": (
        NANJING + 'prefixes = "3201"\n',
        (
            5,
            "region.prefixes",
            "not a list of codes",
            'a list of GB/T 2260 codes, such as ["3201", "3211"]',
        ),
    ),
    "the same region twice": (
        f"{HEAD}{NANJING}{NANJING}",
        (11, "region.code", "320100 is 南京 already", "a code of its own"),
    ),
    "prefixes that overlap": (
        f'{HEAD}{NANJING}{WUXI}prefixes = ["3202", "320102"]\n',
        (
            14,
            "region.prefixes",
            "320102 overlaps with 3201 of 南京",
            "places that no other region has",
        ),
    ),
    "a province around a city": (
        f"{HEAD}{NANJING}{WUXI.replace('3202', '32')}",
        (11, "region.code", "32 overlaps with 3201 of 南京", "places that no other region has"),
    ),
    "prefixes that overlap in one region": (
        NANJING + 'prefixes = ["3201", "320102"]\n',
        (5, "region.prefixes", "320102 and 3201 overlap", "each place once"),
    ),
    "one database for two regions": (
        f'{NANJING}url = "postgresql://a@b/c"\n{WUXI}url = "postgresql://a@b/c"\n',
        (10, "region.url", "it is the store of 南京 already", "a store of its own"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_line_key_and_what_was_expected(
    tmp_path: Path, text: str, expected: tuple[int, str, str, str]
) -> None:
    error = mistake(tmp_path, text)
    found = (error.details["line"], error.details["key"], error.message, error.hint)
    line, key, message, hint = expected
    assert found == (line, key, message, f"expected {hint}")
    assert str(error) == f"{tmp_path / 'config.toml'}:{line}: {key}: {message}; expected {hint}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://epigate:s3cret@db/su", "it holds a password"),
        ("mysql://epigate@db/su", "not a URL of PostgreSQL"),
        ("postgresql+asyncpg://epigate@db/su", "not a URL of PostgreSQL"),
        ("db.example.org", "not a URL"),
        ("postgresql://epigate@db", "it names no database"),
    ],
)
def test_a_url_is_postgresql_without_a_password(tmp_path: Path, url: str, message: str) -> None:
    error = mistake(tmp_path, f'{NANJING}url = "{url}"\n')
    assert (error.details["line"], error.message) == (5, message)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[gateway]\nport == 3\n", 2, "port"),
        ("[gateway]\nport = 3\nport = 4\n", 3, "port"),
        ("[gateway]\nhost = 'a\n\n", 2, "host"),
        ("[gateway\n", 1, "[gateway"),
        ("regions = [", 1, "regions"),
    ],
)
def test_a_mistake_of_syntax_names_its_line(tmp_path: Path, text: str, line: int, key: str) -> None:
    error = mistake(tmp_path, text)
    assert (error.details["line"], error.details["key"]) == (line, key)
    assert error.hint == "expected TOML"


def test_text_that_is_not_utf_8_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'[gateway]\nhost = "\xc4\xcf"\n')
    with pytest.raises(ConfigError, match="not UTF-8") as raised:
        load_config(path)
    assert raised.value.details["line"] == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissing, match=r"no configuration .*other\.toml") as raised:
        load_config(tmp_path / "other.toml")
    assert raised.value.details["key"] == "--config"
    assert "epigate config new" in raised.value.hint
    assert "--config FILE" in raised.value.hint


def test_the_configuration_in_the_wheel_is_the_one_on_top(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    write_default(path)
    assert path.read_bytes() == (ROOT / "config.toml").read_bytes()
    with pytest.raises(FileExistsError):
        write_default(path)

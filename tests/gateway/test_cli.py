"""The command line: what each command prints, leaves behind and ends with."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gateway import commands as modules
from gateway._commands import COMMANDS, Commands
from gateway.cli import app, main
from gateway.config import Config
from gateway.settings import settings_table
from tests.docs.tables import commands, options

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def run_command(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), printed.out, printed.err

    return run_command


def in_file(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_init_makes_keys_and_every_store(run: Run, config: Config) -> None:
    code, out, _ = run("init", "--config", config.file)
    assert code == 0
    assert out.count("migrated") == 9
    assert "keys made: sealing, index, cursor, log, log-signing" in out
    assert stat.S_IMODE(config.data.stat().st_mode) == 0o700
    assert {stat.S_IMODE(key.stat().st_mode) for key in config.keys.iterdir()} == {0o600}
    assert len(list(config.keys.iterdir())) == 5
    for region in config.regions:
        assert region.path
        assert in_file(region.path, "SELECT count(*) FROM diseases") == [(45,)]
    assert config.central_store.exists()
    assert config.log_store.exists()


def test_init_again_keeps_everything(run: Run, ready_config: Config) -> None:
    keys = {path.name: path.read_bytes() for path in ready_config.keys.iterdir()}
    code, out, _ = run("init", "--config", ready_config.file)
    assert code == 0
    assert out.count("up to date") == 9
    assert "keys made" not in out
    assert {path.name: path.read_bytes() for path in ready_config.keys.iterdir()} == keys


def test_init_never_makes_new_keys_beside_sealed_people(run: Run, ready_config: Config) -> None:
    (ready_config.keys / "sealing.key").unlink()
    (ready_config.keys / "cursor.key").unlink()
    store = ready_config.regions[3].path
    assert store
    in_file(
        store,
        "INSERT INTO people (id, code, sealed, created_at, updated_at)"
        " VALUES (1, '321102', x'00', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')",
    )
    code, _, err = run("init", "--config", ready_config.file)
    assert code == 1
    assert "lacks sealing, cursor, but 321100 hold people" in err
    assert "[KEYS_MISSING]" in err
    assert not (ready_config.keys / "cursor.key").exists()


def test_keys_of_the_environment_need_no_folder(
    run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEALING", "INDEX", "CURSOR", "LOG", "LOG_SIGNING"):
        monkeypatch.setenv(f"EPIGATE_KEY_{name}", "A" * 43 + "=")
    assert run("init", "--config", config.file)[0] == 0
    assert not config.keys.exists()


def test_migrate_dry_run_says_from_where_to_where(run: Run, config: Config) -> None:
    code, out, _ = run("migrate", "--dry-run", "--config", config.file)
    assert code == 0
    assert out.count("would be migrated") == 9
    assert "(empty)" in out
    assert not config.data.exists()


def test_migrate_does_the_others_where_one_is_ahead(run: Run, ready_config: Config) -> None:
    ahead, behind = ready_config.regions[0].path, ready_config.regions[1].path
    assert ahead
    assert behind
    in_file(ahead, "UPDATE alembic_version SET version_num = '9999'")
    in_file(ahead, "DELETE FROM diseases")
    behind.unlink()
    code, out, _ = run("migrate", "--config", ready_config.file)
    assert code == 1
    assert "STORE_AHEAD" in out
    assert "the store 320100 was migrated by a newer epigate: revision 9999" in out
    assert out.count("up to date") == 7
    assert in_file(ahead, "SELECT count(*) FROM diseases") == [(0,)]
    assert in_file(behind, "SELECT count(*) FROM diseases") == [(45,)]


def test_init_stops_before_keys_where_a_store_was_not_made(run: Run, config: Config) -> None:
    path = config.regions[0].path
    assert path
    path.parent.mkdir(parents=True)
    path.write_text("no database, but text that is long enough to look at" * 20)
    code, out, _ = run("init", "--config", config.file)
    assert code == 1
    assert "REGION_UNAVAILABLE" in out
    assert not config.keys.exists()


def test_config_check_prints_what_was_understood(run: Run, config: Config) -> None:
    code, out, _ = run("config", "check", "--config", config.file)
    assert code == 0
    assert f"{config.file}: valid" in out
    for text in ("deadline_ms", "2000", "马鞍山", "Ma'anshan", "3405", "320100.db"):
        assert text in out


def test_config_new_writes_one_that_works_and_never_overwrites(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    code, out, _ = run("config", "new", path)
    assert (code, str(path) in out) == (0, True)
    assert run("init", "--config", path)[0] == 0
    path.write_text("# mine\n")
    code, out, err = run("config", "new", "--config", path)
    assert (code, out) == (1, "")
    assert "is there already and was left as it is" in err
    assert path.read_text() == "# mine\n"
    code, _, err = run("config", "new", tmp_path / "none" / "config.toml")
    assert (code, "cannot be written" in err) == (1, True)


def test_a_newcomer_is_told_of_init(run: Run, config: Config) -> None:
    for command in (["serve"], ["accounts", "list"], ["grants", "list"], ["units", "list"]):
        code, _, err = run(*command, "--config", config.file)
        assert code == 1, command
        assert "nothing is set up yet" in err
        assert "epigate init" in err
        assert "migrate" not in err
    assert "`epigate init`" in run("access-log", "show", "--config", config.file)[2]
    assert run("migrate", "--config", config.file)[0] == 0  # stores, but no keys
    code, _, err = run("serve", "--config", config.file)
    assert (code, "run `epigate init`" in err) == (1, True)


def test_config_check_fits_80_columns(
    run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run("config", "check", "--config", config.file)
    for region in config.regions:
        assert region.code in out
        assert region.name_en in out
        assert f"regions/{region.code}.db" in out


def test_config_table_prints_the_manuals_table(run: Run) -> None:
    assert run("config", "table") == (0, settings_table(), "")


@pytest.mark.parametrize("command", [["config", "check"], ["migrate"], ["init"]])
def test_a_mistake_in_the_configuration_ends_with_2(
    run: Run, config: Config, command: list[str]
) -> None:
    config.file.write_text("[gateway]\nprot = 3\n")
    code, out, err = run(*command, "--config", config.file)
    assert (code, out) == (2, "")
    assert f"{config.file}:2: gateway.prot: unknown key; expected `port`, perhaps" in err
    assert "Traceback" not in err


def test_a_mistake_in_the_command_line_ends_with_2(run: Run) -> None:
    assert run("migrate", "--dry")[0] == 2
    assert run("migraet")[0] == 2


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_the_installed_command_reads_config_toml_of_its_folder(config: Config) -> None:
    program = Path(sys.executable).with_name("epigate")
    done = subprocess.run(
        [program, "config", "check"],
        cwd=config.file.parent,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Nanjing" in done.stdout
    elsewhere = subprocess.run(
        [program, "config", "check"], cwd=config.file.parent.parent, capture_output=True, text=True
    )
    assert elsewhere.returncode == 2
    assert "there is no configuration config.toml" in elsewhere.stderr
    assert "epigate config new" in elsewhere.stderr


def test_the_help_lists_every_command(run: Run) -> None:
    _, out, _ = run("--help")
    for command in ("init", "migrate", "config", "counts", "ask", "units"):
        assert command in out


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("name", commands())
def test_every_command_takes_a_configuration(name: str) -> None:
    assert "--config" in options(commands()[name])


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    command = commands()[name]
    assert command.help.rstrip().endswith(".")
    for one in command.params:
        assert one.help, f"{name}: {one.name}"


def test_the_table_of_commands_says_what_they_say() -> None:
    group = get_command(app)
    assert isinstance(group, Commands)
    found = {name: group.get_command(None, name) for name in group.list_commands(None)}
    assert list(found) == list(COMMANDS)
    for name, command in found.items():
        first = " ".join(command.help.partition("\n\n")[0].split())
        assert (command.name, first) == (name, COMMANDS[name])
    here = {path.stem for path in Path(modules.__file__ or "").parent.glob("[!_]*.py")}
    named = {name.replace("-", "_") for name in COMMANDS}
    assert here - named == {"audit_taking"}, "a module of commands that no command is in"


@pytest.mark.parametrize(
    ("done", "without"),
    [
        ("from gateway.cli import main; main(['--help'])", ("sqlalchemy", "strawberry")),
        ("import gateway.http", ("scipy", "openpyxl", "alembic")),
    ],
)
def test_what_costs_time_is_imported_when_it_is_used(done: str, without: tuple[str, ...]) -> None:
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {done}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(without) & set(said.stdout.split())

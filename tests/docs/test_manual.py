"""The manual tells the same story as the code."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
    validate,
)

from gateway.config import load_config
from gateway.settings import settings_table
from regions.engines import sqlite_engine
from resolvers.central import Central
from resolvers.rights import RIGHTS
from resolvers.root import make_schema
from resolvers.users import BUSINESS_ROLES, Role
from tests.answering import Gateway, grant, viewer
from tests.docs.manual import PAGES, ROOT, Block, anchors, blocks, commands_in, links, named_tests
from tests.docs.tables import DOCS, TABLES, commands, options, replaced
from tests.keys import same_keys
from tests.postgres import Postgres
from tests.stores import Stores

SDL = ROOT / "schema" / "schema.graphql"
QUESTIONS = blocks("graphql")


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text("utf-8"))


@pytest.fixture(scope="module")
def gateway(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("manual")

    def no_server() -> Postgres:
        raise AssertionError("the manual needs no PostgreSQL")

    made = Stores(templates, lambda: folder, no_server)
    keys = same_keys()
    gateway = Gateway([made.sqlite("3201"), made.sqlite("5001")], keys)
    store = made.central(folder / "gateway.db")
    engine = sqlite_engine(str(store))
    for executor in gateway._executors.values():
        executor._central = Central(engine, keys)
    yield gateway
    gateway.run(engine.dispose())
    gateway.close()


def test_the_language_is_written_down_as_it_is() -> None:
    written, made = SDL.read_text("utf-8"), f"{make_schema().as_str()}\n"
    assert written == made, "write it anew: python -m tests.docs"


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_every_question_is_valid(question: Block, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(question.text)) == []


def _roots(asked: OperationDefinitionNode) -> list[str]:
    return [one.name.value for one in asked.selection_set.selections if isinstance(one, FieldNode)]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_every_question_has_an_answer(question: Block, gateway: Gateway) -> None:
    (asked,) = [
        one for one in parse(question.text).definitions if isinstance(one, OperationDefinitionNode)
    ]
    declared = asked.variable_definitions or ()
    needed = [one.variable.name.value for one in declared if isinstance(one.type, NonNullTypeNode)]
    if asked.operation is not OperationType.QUERY or set(needed) - {"first"}:
        pytest.skip("needs what the reader has: ids, inputs")
    if any(Role.UNIT_USER not in RIGHTS[name].roles for name in _roots(asked)):
        pytest.skip("is of another role, over the gateway's own store")
    answer = gateway.ask(question.text, viewer(grants=[grant()]), dict.fromkeys(needed, 2))
    assert answer.errors == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_of_ours(page: Path) -> None:
    known = commands()
    groups = {name.split()[0] for name in known}
    for words in commands_in(page):
        name = next(
            (" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in known), None
        )
        given = [word.split("=")[0] for word in words if word.startswith("--")]
        if name is None:
            assert words[0] in groups | {"COMMAND"}, f"{page.name}: epigate {' '.join(words)}"
            assert not given, f"{page.name}: epigate {' '.join(words)}"
            continue
        unknown = set(given) - set(options(known[name])) - {"--help"}
        assert not unknown, f"{page.name}: epigate {name} has no {unknown}"


@pytest.mark.parametrize("name", TABLES)
def test_generated_tables_are_up_to_date(name: str) -> None:
    page, make = TABLES[name]
    text = (DOCS / page).read_text("utf-8")
    assert text == replaced(text, name, make()), "write them anew: python -m tests.docs"


def test_every_setting_is_in_its_table() -> None:
    assert settings_table() in (DOCS / "configuration.md").read_text("utf-8")


@pytest.mark.parametrize("role", Role)
def test_every_role_is_in_its_table(role: Role) -> None:
    rows = (DOCS / "privacy.md").read_text("utf-8").splitlines()
    (row,) = [one.split(" | ") for one in rows if one.startswith(f"| {role.value} |")]
    assert row[2] == ("yes" if role in BUSINESS_ROLES else "no")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_a_page_names_is_there(page: Path) -> None:
    known = [f"/{file.relative_to(ROOT)}" for file in (ROOT / "tests").rglob("test_*.py")]
    for name in named_tests(page):
        assert any(file.endswith(f"/{name}") for file in known), f"{page.name}: {name}"


def test_every_page_is_on_the_map() -> None:
    assert {page.name for page in DOCS.glob("*.md")} - set(links(DOCS / "index.md")) == {"index.md"}


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_every_printed_answer_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_every_printed_table_is_toml(block: Block) -> None:
    tomllib.loads(block.text)


def test_the_configuration_of_the_readme_is_enough(tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks("toml") if block.page.name == "README.md"]
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    assert [region.code for region in load_config(path).regions] == ["320100", "320200"]


@pytest.mark.parametrize("picture", sorted(DOCS.glob("*.svg")), ids=lambda path: path.name)
def test_pictures_are_readable_in_the_dark_and_by_ear(picture: Path) -> None:
    text = picture.read_text("utf-8")
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in text


def test_the_changelog_tells_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_client_of_the_quick_start_says_what_is_wrong(tmp_path: Path) -> None:
    def ask(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / "ask.py", *arguments],
            cwd=tmp_path,
            input="",
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    code, said = ask("{ me { account } }")
    assert (code, "no password of national" in said) == (2, True)
    accounts = tmp_path / "data" / "demo-accounts.json"
    accounts.parent.mkdir()
    accounts.write_text('[{"account": "national", "password": "x"}]')
    code, said = ask("--url", "http://127.0.0.1:9", "{ me { account } }")
    assert (code, "no gateway answers" in said) == (2, True)

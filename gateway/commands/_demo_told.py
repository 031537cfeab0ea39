"""What a demo tells: its address, its accounts, and questions to paste."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.table import Table

from gateway.commands._options import DEFAULT_CONFIG, console
from gateway.commands.ask import gateway_url
from gateway.config import Config
from regions.errors import StoreError
from resolvers.demo.folder import ACCOUNTS_FILE

__all__ = ["tell_demo"]

_SHOWN = ("account", "password", "role", "code")  # what fits 80 columns; the file has the unit too


def tell_demo(config: Config, made: dict[str, Any], url: str, given: Path) -> None:
    """Prints the address, the accounts and some questions, each a line to paste."""
    out = console()
    path = config.data / ACCOUNTS_FILE
    try:
        accounts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}", hint="remove the data folder and make the demo anew"
        ) from error
    table = Table(title="演示账号 · Demo accounts")
    for column in _SHOWN:
        # A long role may wrap; what is to be copied never does, nor is it ever cut.
        table.add_column(column, no_wrap=column != "role")
    for account in accounts:
        table.add_row(*(account[column] for column in _SHOWN))
    out.print(table)

    def line(text: str) -> None:
        out.print(text, soft_wrap=True, markup=False)

    line(f"密码也在此文件 · the same in {path}")
    line("管理员、审计员另需动态码（密钥 totpSecret 亦在其中），epigate ask 自动生成")
    line("administrators and auditors need a code, too: epigate ask makes it (totpSecret)")
    if config.messages_path is not None:
        line(f"预警短信在此 · messages of signals stand in {config.messages_path}")
    line(
        "\n在另一终端粘贴提问 · ask from a second terminal: paste a line; --account asks as another"
    )
    command = _command(config, url, given)
    for title, question in _questions(made):
        line(f"\n{title}")
        line(f"{command} {shlex.quote(question)}")
    if made.get("exchanged"):
        own = next(one["account"] for one in accounts if one["role"] == "county unit user")
        for title, question in _WAITING:
            line(f"\n{title}")
            line(f"{command} --account {own} {shlex.quote(question)}")
    line(f"\n任何 GraphQL 客户端 · any client of GraphQL: POST {url}/sign-in, then {url}/graphql\n")


def _command(config: Config, url: str, given: Path) -> str:
    """`epigate ask` as it must be written to reach this demo from this folder."""
    words = [_program(), "ask"]
    if given != DEFAULT_CONFIG:
        words += ["--config", str(given)]
    if url != gateway_url(config.host, config.port):
        words += ["--url", url]
    return shlex.join(words)


def _program() -> str:
    """The command itself, with its folder where a shell would not find it."""
    called = Path(sys.argv[0])
    if called.name != "epigate" or shutil.which("epigate") == str(called.absolute()):
        return "epigate"
    return str(called)


def _questions(made: dict[str, Any]) -> list[tuple[str, str]]:
    """Three questions that a demo has answers to, each with a line that says what it shows."""
    until = date.fromisoformat(made["until"])
    first, last = until.replace(day=1) - timedelta(days=365), until - timedelta(days=1)
    first = first.replace(day=1)
    return [
        (
            "1. 各地区最新的接触者 · The newest contacts, whatever region they are of",
            "{ contacts(first: 8) { edges { node { id code name phone lastContactOn "
            "sourceCase { code disease { nameZh } } } } regions { code state records } } }",
        ),
        (
            "2. 一起暴发的传播链 · The chain of an outbreak: cases, their contacts, and theirs",
            f'{{ chain(root: "{made["first_case"]}", depth: 3) {{ links {{ from to kind }} '
            "nodes { ... on Case { id code onsetOn disease { nameZh } } "
            "... on Contact { id code level } } } }",
        ),
        (
            "3. 流感与手足口病逐月病例数 · Influenza and hand, foot and mouth disease by month: "
            "a winter, a summer",
            '{ counts(diseases: ["influenza", "hfmd"], codes: ["000000"], '
            f'from: "{first}", to: "{last}", step: MONTH) '
            "{ disease { nameZh } counts { from cases } } }",
        ),
    ]


_WAITING = (
    (
        "4. 协查函：收到的与发出的 · Letters between counties, at every step of the way",
        "{ assistRequests(first: 20) { edges { node { number side state toCode acknowledgeDue "
        "people { position state name } } } } }",
    ),
    (
        "5. 转运：已提出、部分接收、已到达 · People handed over, and on their way",
        "{ transfers(first: 20) { edges { node { id side state fromUnit toUnit "
        "people { outcome person { id name } } } } } }",
    ),
)
"""Questions about what two counties have to do with each other, for the county's officer."""

"""Before the gateway serves: a log that was removed with its key leaves a trace in the next."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.access_log.opening import open_log_file
from gateway.access_log.reading import read_entries
from gateway.access_log.sides import Sides
from gateway.access_log.starting import check_access_log, tell_log
from gateway.access_log.system import system_row
from regions.keys import load_keys
from tests.served import Demo


def test_a_new_log_tells_of_the_one_that_is_gone(demo: Demo, tmp_path: Path) -> None:
    config = demo.copied(tmp_path / "demo").config
    keys = load_keys(config.keys)
    tell_log(config, keys, system_row("start"))
    log = open_log_file(config, keys)
    size, old = log.verify(), log.signer.verifier
    asyncio.run(Sides(log.path, config.regions, keys.log_signing, old).round())
    log.close()
    before = len(list(read_entries(log.path)))
    asyncio.run(check_access_log(config, keys))
    assert len(list(read_entries(log.path))) == before  # this one has begun
    for file in (log.path, log.path.with_name(f"{log.path.name}-wal"), config.log_vkey):
        file.unlink(missing_ok=True)
    asyncio.run(check_access_log(config, keys))
    told = next(iter(read_entries(log.path)))
    assert (told["module"], told["operation"]) == ("gateway", "begin")
    (known,) = told["what"]["before"]
    assert (known["origin"], known["size"]) == (old.name, size)
    tell_log(config, keys, system_row("start"))
    asyncio.run(check_access_log(config, keys))
    assert [one["operation"] for one in read_entries(log.path)] == ["begin", "start"]

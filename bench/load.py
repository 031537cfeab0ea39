"""Loading: a synthetic line list of N rows into eight SQLite stores, sealed and indexed.

`python -m bench load --rows 200000` prints rows and records a second. A row is a person with all
private items and three blind indexes, a case, and its daily count; `--core` pins the process to one
core. Goal: 20,000 records/s. The people are impossible: their ID numbers begin with 99, which is no
province.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from bench.machine import Others
from bench.report import Sheet, judged, show, write
from regions.areas import reference_areas
from regions.blind_index import check_digit
from regions.ids import padded
from regions.keys import create_keys, load_keys
from regions.migrating import migrate
from regions.settings import RegionSettings
from resolvers.loading.load import load
from resolvers.loading.mapping_file import read_mapping
from resolvers.loading.summary import Summary

__all__ = ["main", "measure", "sheet", "write_list"]

_GOAL = 20_000  # records/s

_REGIONS = ("3201", "3202", "3204", "3211", "3305", "3405", "3418", "5001")
_DISEASES = ("influenza", "hfmd", "mumps", "dysentery", "covid19", "tb")
_HEADER = (
    *("卡片编号", "姓名", "性别", "出生日期", "年龄", "身份证号", "电话", "单位", "住址"),
    *("现住地区编码", "职业", "病种", "病例分类", "发病日期", "诊断时间", "报告日期", "转归"),
)

MAPPING = """\
title = "Report cards, synthetic"
kind = "case"
source = "bench"
id = "卡片编号"

[[place]]
column = "现住地区编码"
lookup = "code"

[person]
name = "姓名"
sex = "性别"
birth_date = "出生日期"
age = "年龄"
id_number = "身份证号"
phone = "电话"
employer = "单位"
residence = "住址"
occupation = "职业"

[case]
disease = "病种"
classification = { column = "病例分类", table = "classifications" }
onset_on = "发病日期"
diagnosed_at = "诊断时间"
reported_at = "报告日期"
outcome = { column = "转归", table = { "治愈" = "RECOVERED", "治疗中" = "UNDER_TREATMENT" } }

[tables.classifications]
"确诊病例" = "CONFIRMED"
"疑似病例" = "SUSPECTED"
"""


def write_list(path: Path, rows: int) -> None:
    """Writes the list; the same rows every time."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        writer.writerows(_rows(rows))


def _rows(count: int) -> Iterator[Sequence[object]]:
    counties = [area.code for area in reference_areas().under(_REGIONS) if area.level == "COUNTY"]
    first, born = date(2024, 1, 1), date(1940, 1, 1)
    for number in range(count):
        birth = born + timedelta(days=number * 7_919 % 29_000)
        report = first + timedelta(days=number * 700 // count)
        first17 = f"99{number // 500 % 10_000:04d}{birth:%Y%m%d}{number % 500 * 2 + number % 2:03d}"
        yield (
            f"K{number:09d}",
            f"测试{chr(0x4E00 + number % 5_000)}{chr(0x4E00 + number // 7 % 5_000)}",
            "男" if number % 2 else "女",
            birth.isoformat(),
            f"{2024 - birth.year}岁",
            first17 + check_digit(first17),
            f"154{number * 61_803_399 % 10**8:08d}",
            f"测试单位{number % 3_000}",
            f"测试路{number % 400}号{number % 30 + 1}室",
            counties[number * 31 % len(counties)],
            "工人",
            _DISEASES[number % len(_DISEASES)],
            "确诊病例" if number % 9 else "疑似病例",
            (report - timedelta(days=number % 5)).isoformat(),
            f"{report} {number % 24:02d}:{number % 60:02d}:00",
            report.isoformat(),
            "治愈" if number % 3 else "治疗中",
        )


def measure(folder: Path, rows: int) -> tuple[Summary, float]:
    """Makes the list and the stores in a folder, loads, and returns the summary and CPU seconds."""
    write_list(folder / "list.csv", rows)
    (folder / "bench.toml").write_text(MAPPING, "utf-8")
    create_keys(folder / "keys")
    regions = [
        RegionSettings(
            code=padded(code),
            name_zh=code,
            name_en=code,
            prefixes=(code,),
            path=folder / "regions" / f"{padded(code)}.db",
            url=None,
            deadline=5.0,
        )
        for code in _REGIONS
    ]

    async def run() -> tuple[Summary, float]:
        for settings in regions:
            await migrate(settings)
        began = time.process_time()
        summary = await load(
            folder / "list.csv",
            read_mapping(str(folder / "bench.toml")),
            regions,
            load_keys(folder / "keys"),
            folder,
            rejects=folder / "rejects.csv",
        )
        return summary, time.process_time() - began

    return asyncio.run(run())


def sheet(summary: Summary, cpu: float) -> Sheet:
    """The result as a table."""
    records = summary.records["people"] + summary.records["cases"]
    rate = records / summary.seconds
    return Sheet(
        "load",
        "Loading a line list into eight SQLite stores",
        ("rows", "seconds", "processor seconds", "rows/s", "records/s", "of the goal"),
        [
            (
                f"{summary.loaded:,}",
                f"{summary.seconds:.1f}",
                f"{cpu:.1f}",
                f"{summary.loaded / summary.seconds:,.0f}",
                f"{rate:,.0f}",
                judged(rate / _GOAL, 1.0, at_least=True),
            )
        ],
        ["A row makes two records, a person and a case, and adds to a daily count."],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--core", type=int, help="pin the process to this core")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks.md")
    options = parser.parse_args(arguments)
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    with tempfile.TemporaryDirectory(prefix="epigate-bench-") as name:
        others = Others()
        with others:
            summary, cpu = measure(Path(name), options.rows)
    result = sheet(summary, cpu)
    result.notes.append(str(others))
    show(result)
    if options.write:
        write(result)


if __name__ == "__main__":
    main()

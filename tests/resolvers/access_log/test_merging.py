"""One list of several logs: pages cut anywhere are one list, whatever is appended meanwhile."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as some

from resolvers.access_log.merging import merged
from resolvers.access_log.wanted import Found

Log = list[tuple[int, str]]  # newest first


def at(minute: int) -> str:
    return orjson.dumps({"at": f"2026-11-22T08:{minute:02}:00Z"}).decode()


def log(minutes: list[int], first: int = 1) -> Log:
    return [(number, at(minute)) for number, minute in enumerate(minutes, first)][::-1]


def looked(entries: Log, before: int | None, size: int, most: int) -> Found:
    """What looking through a log finds that looks at `most` entries at once."""
    rest = [one for one in entries if before is None or one[0] < before]
    seen = rest[:most]
    if len(seen) > size:
        return Found(seen[:size], seen[size - 1][0], True)
    end = seen[-1][0] if seen else (before or 1)
    return Found(seen, end, len(rest) > len(seen))


minutes = some.lists(some.integers(0, 59), max_size=12)


@given(some.lists(minutes, min_size=1, max_size=3), some.integers(1, 5), some.integers(1, 4))
def test_pages_are_one_list_of_every_entry_in_the_order_of_time(
    written: list[list[int]], size: int, most: int
) -> None:
    logs = {f"log-{index}": log(sorted(each)) for index, each in enumerate(written)}
    places: dict[str, int] | None = None
    read: list[tuple[str, int, str]] = []
    for _ in range(200):
        found = {
            origin: looked(entries, None if places is None else places[origin], size, most)
            for origin, entries in logs.items()
        }
        page = merged(found, size)
        read += [(one.origin, one.number, one.text) for one in page.entries]
        places = page.places
        for origin, entries in logs.items():  # what comes meanwhile is in none of these pages
            logs[origin] = [(entries[0][0] + 1 if entries else 1, at(59)), *entries]
        if not page.more:
            break
    else:
        raise AssertionError("it does not end")
    wanted = {(f"log-{i}", n) for i, each in enumerate(written) for n in range(1, len(each) + 1)}
    assert {one[:2] for one in read} == wanted
    assert len(read) == len(wanted)
    assert [one[2] for one in read] == sorted((one[2] for one in read), reverse=True)


@given(some.lists(minutes, min_size=2, max_size=3), some.integers(0, 10))
def test_every_entrys_place_leads_on_from_it(written: list[list[int]], skipped: int) -> None:
    logs = {f"log-{index}": log(each) for index, each in enumerate(written)}  # clocks go back, too

    def page(places: dict[str, int] | None) -> list[tuple[str, int]]:
        found = {
            origin: looked(entries, None if places is None else places[origin], 99, 99)
            for origin, entries in logs.items()
        }
        return [(one.origin, one.number) for one in merged(found, 99).entries]

    whole = merged({origin: looked(entries, None, 99, 99) for origin, entries in logs.items()}, 99)
    if skipped < len(whole.entries):
        rest = page(whole.entries[skipped].places)
        assert rest == [(one.origin, one.number) for one in whole.entries[skipped + 1 :]]

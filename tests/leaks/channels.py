"""The 46 leak channels, what is done about each, and the tests that hold it shut.

A test of a channel is named after it (`test_leak_08_filter_on_hidden_field`) or, where it stood
elsewhere already, marked: `@pytest.mark.leak(8)`. They are found by reading the files of tests, so
that the manual's table can be made without running any.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["CHANNELS", "Channel", "held_by"]

_TESTS = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Channel:
    """A way by which a hidden value has escaped from systems of this kind."""

    number: int
    way: str
    done: str


_WAYS: tuple[tuple[str, str], ...] = (
    (
        "The field itself, by every type, interface, union and fragment that reaches the column",
        "one decision for each type of record and region; the store's SQL writes the mask",
    ),
    ("An alias of it", "the mask stands in the SQL, whatever the key in the answer"),
    ("Named and inline fragments, fragments on interfaces", "as 2: fragments are merged before"),
    ("`@include` and `@skip` with variables", "as 2: the selection is settled before any SQL"),
    (
        "`node` and `nodes`, and another GraphQL type over the same table",
        "every way reads by the same shapes, plans and the ordinary executor alike",
    ),
    ("`_entities` and `_service`", "there are none: no subgraph is served, every root is listed"),
    (
        "A field derived from a hidden one: age band, sex or birth date from the ID number, label",
        "what is derived at registration is sealed as its own private item; no field derives",
    ),
    ("Filter on a hidden field: eq, in, like, range", "no input has a field over a sealed column"),
    (
        "Filter through a relation, inside NOT and OR, by JSON path",
        "filters name columns of their own type, all public; there is no path",
    ),
    ("Sort by a hidden field, or a hidden tie-break", "orders are enums of public columns and id"),
    (
        "Group by, distinct",
        "counts are by day, disease and code; a signal's cards by what the viewer sees of them",
    ),
    (
        "Aggregates: min, max, sum, distinct count; cells below 5; the difference of two counts",
        "counts hold no private item; aggregates are sums of one rounded table, told from 5 on",
    ),
    (
        "Total count, hasNextPage, page length under a filter",
        "as 8: nothing hidden comes into the condition",
    ),
    ("Cursor content", "AES-SIV over public keys and the id, bound to list and order"),
    (
        "Keys, URLs and file names built from an ID number",
        "ids are numbers in order; idempotency keys are kept as keyed hashes",
    ),
    (
        "Search ranking, autocomplete, highlighted snippet",
        "exact search only, for those who see the item searched in clear",
    ),
    (
        "The duplicate check as an oracle: result, count, place, rate",
        "one word for the country; which region knows the person is not told",
    ),
    (
        "Unique-constraint errors on create and update",
        "no blind index is unique; a refused row is told without its value",
    ),
    (
        "Validation and coercion messages that echo a value; path, locations, stack trace",
        "messages of the library lose what they quote; our own never quote",
    ),
    ("Null, `*` and absent told apart", "one mask for every value, for none, for every length"),
    ("A masked scalar of another type that fails coercion", "private scalars take the mask too"),
    (
        "What a mutation returns about the record just written; a conflict that shows a value",
        "read back by the same rules; problems hold no value of the record",
    ),
    ("A `*` sent back by an edit form overwriting the real value", "ignored, and said so"),
    (
        "Compare-and-set tokens computed over hidden values",
        "the version is a number of its own and is not shown",
    ),
    (
        "ETag, Last-Modified, Content-Length that vary with hidden values",
        "no validator headers, `no-store`; masked answers have one length",
    ),
    (
        "Subscriptions: delivery that depends on a hidden filter; rights revoked since",
        "no argument of a subscription is private; rights are looked up for each event",
    ),
    (
        "Caches keyed without viewer and policy version: plan, DataLoader, response",
        "plans and answers are kept by rights in force at the moment; loaders live one question",
    ),
    (
        "Exports: hidden columns, properties, formulas, names, order; another's link; leftovers",
        "the lists' own statements and masks; a link is its owner's; formulas are quoted",
    ),
    (
        "Attachments, letters and free-text remarks",
        "free text is sealed and masked as an item, and so are files with their names",
    ),
    (
        "Alert messages, SMS, e-mail, webhooks",
        "a text of a signal is a number, a county and a disease, and of anything else none is "
        "made; one to supervisors names the officer alone; witnesses of the log get hashes and "
        "signatures",
    ),
    (
        "The access-log viewer, change history, old value",
        "entries hold ids and names of fields; old and new of a private item are sealed",
    ),
    (
        "Application, access and slow-query logs, SQL echo, traces, metric labels, tracebacks",
        "messages hold codes and names of classes; nothing logs a request or a parameter",
    ),
    (
        "Introspection, descriptions with samples, suggestions",
        "introspection needs a session; suggestions are off",
    ),
    (
        "Timing: hit and miss, masked and clear",
        "a duplicate check asks the same statements whatever is found, what is hidden is looked "
        "for as what is missing is, no statement holds a hidden value; measured by "
        "`python -m bench timing`",
    ),
    ("Status and error code: exists but forbidden, and does not exist", "one answer for both"),
    (
        "Rate-limit and cost figures that vary with hidden rows",
        "limits count what was asked and what is shown, never what is hidden",
    ),
    (
        "Personal data in a URL",
        "questions are POST bodies; paths of files hold ids, codes and days; no URL is logged",
    ),
    (
        "Batches and documents of several operations: rights decided per operation",
        "one operation a request; every root field asks for its right itself",
    ),
    (
        "Handoffs: payloads in outbox, inbox, workflow state and dead letters",
        "each table of every store is listed with what it may hold; an outbox holds ids alone",
    ),
    (
        "A region down: a cached copy served unmasked; an error that names the region",
        "remembered answers need every region; regions asked do not depend on the person",
    ),
    (
        "Nightly results and drill-down maps with one case",
        "nights read daily counts, which hold no item; a signal is numbers, a county and a "
        "disease; its cards and what they have in common are as the viewer sees them; reports "
        "and their maps count signals",
    ),
    (
        "Backups, write-ahead logs, free pages, temporary files",
        "private items are sealed before they reach a store; `secure_delete` is on",
    ),
    (
        "View as, tokens with more scope than their owner, headers that claim a role",
        "role and rights come from the account alone; there is no view as",
    ),
    (
        "A directive renamed, aliased, or missing on a new column",
        "the start stops at a field without a source; a table of columns is held to the SDL",
    ),
    (
        "A field rule and a type rule together: both hold",
        "an item is shown where type, item, place and time of one right hold",
    ),
    (
        "Log and CSV formula injection through names",
        "logs are JSON or escaped text; cells that begin a formula are quoted",
    ),
)

CHANNELS = tuple(Channel(n, *texts) for n, texts in enumerate(_WAYS, 1))
"""Every channel by its number, from 1."""

_NAME = re.compile(r"test_leak_(\d\d)_")


def held_by(number: int) -> tuple[str, ...]:
    """The tests of a channel: file below `tests/` and name."""
    return _all_tests().get(number, ())


@cache
def _all_tests() -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for path in sorted(_TESTS.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "leak" not in text:
            continue
        for name, numbers in _marked(ast.parse(text)):
            for number in numbers:
                found.setdefault(number, []).append(f"{path.relative_to(_TESTS)}::{name}")
    return {number: tuple(tests) for number, tests in found.items()}


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[int]]]:
    """Tests of a module and the channels they are of."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("test_"):
            continue
        numbers = [int(one) for one in _NAME.findall(node.name)]
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("leak"):
                numbers += [one.value for one in decorator.args if isinstance(one, ast.Constant)]  # type: ignore[misc]  # only numbers stand there
        if numbers:
            yield node.name, numbers

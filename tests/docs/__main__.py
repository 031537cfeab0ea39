"""Writes what is generated, the manual's tables and the SDL: `python -m tests.docs`."""

from __future__ import annotations

from gateway.settings import settings_table
from resolvers.root import make_schema
from tests.docs.tables import DOCS, TABLES, replaced

for name, (page, make) in TABLES.items():
    path = DOCS / page
    path.write_text(replaced(path.read_text("utf-8"), name, make()), "utf-8")

configuration = DOCS / "configuration.md"
text = configuration.read_text("utf-8")
start = text.index("| section | key |")
end = text.index("\n\n", start) + 1
configuration.write_text(text[:start] + settings_table() + text[end:], "utf-8")

sdl = DOCS.parent / "schema" / "schema.graphql"
sdl.write_text(f"{make_schema().as_str()}\n", "utf-8")

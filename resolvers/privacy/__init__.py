"""Privacy: what is decided about private items (`deciding`), by whose rights, given how.

`policy` compiles the directives of the schema, `roles` is the table of national roles. `steps` and
`services` are the state machines of applications and of requests for data, as data. Their stores
and mutations stand beside them; `root` gathers those.
"""

from __future__ import annotations

from resolvers.privacy.deciding import (
    HELD,
    SHAREABLE,
    Decision,
    Rule,
    Scope,
    Share,
    decide,
    granted_rules,
    in_force,
    require_records,
    rules,
    scope,
    with_shares,
)

__all__ = [
    "HELD",
    "SHAREABLE",
    "Decision",
    "Rule",
    "Scope",
    "Share",
    "decide",
    "granted_rules",
    "in_force",
    "require_records",
    "rules",
    "scope",
    "with_shares",
]

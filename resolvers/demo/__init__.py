"""An invented population in the configured regions' stores: what `epigate demo` makes.

`Parameters` say how many people, over how many years, from which seed; all else follows from
them, nonces and passwords excepted. `plan` decides what happens (epidemics, shares, what crosses
borders), `population` who lives where, `tracing` who fell ill and whom they met. `people`, `cases`,
`contacts` and `care` write the records, `stores` brings them into a region's store, `building` does
so for all regions on all cores. `folder` keeps a demo away from anybody's data.

Nobody here can exist: ID numbers begin with 99, which no division of China has, and phone numbers
with 154, which no operator was given (libphonenumber's pattern for China is `1[59][0-35-9]…`).
"""

from __future__ import annotations

from resolvers.demo.accounts import DemoAccount, demo_accounts
from resolvers.demo.building import build
from resolvers.demo.folder import DemoFolder
from resolvers.demo.parameters import Parameters
from resolvers.demo.plan import make_plan

__all__ = ["DemoAccount", "DemoFolder", "Parameters", "build", "demo_accounts", "make_plan"]

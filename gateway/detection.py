"""Detection as the gateway runs it: the rules of its own store, kept, and its nights."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gateway._changes import Changes
from gateway.config import Config
from regions.errors import StoreError
from regions.zones import zone_of
from resolvers.alerts.current import CurrentRules
from resolvers.alerts.night_settings import NightSettings
from resolvers.alerts.rules import RuleBook, read_rules

__all__ = ["KeptRules", "night_settings", "rules_of"]


def rules_of(path: Path) -> RuleBook:
    """The rules as they stand in the store. Raises StoreError."""
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True),
        poolclass=NullPool,
    )
    try:
        with closing(engine.connect()) as connection:
            return read_rules(connection)
    except (DBAPIError, sqlite3.Error) as error:
        reason = getattr(error, "orig", error)
        raise StoreError(
            f"the rules of detection cannot be read: {reason}",
            hint="run `epigate migrate`",
            store="gateway",
        ) from None
    finally:
        engine.dispose()


def night_settings(config: Config) -> NightSettings:
    """When the nights are and how spells are told, as the configuration says."""
    hours, minutes = config.detection_night_at.split(":")
    told = [int(one) for one in config.messages_at.split(":")]
    return NightSettings(
        zone=zone_of(config.detection_zone),
        minutes=60 * (int(hours) - 24) + int(minutes),
        absorb_days=config.detection_absorb_days,
        history_from=config.detection_history_from or None,
        told_at=60 * told[0] + told[1],
        clusters=config.detection_clusters,
        cluster_hours=config.detection_cluster_hours,
    )


class KeptRules(CurrentRules):
    """The rules of this moment, by the file of the gateway's own store. Close it at the end."""

    def __init__(self, path: Path) -> None:
        self._changes = Changes(path)
        super().__init__(lambda: rules_of(path), self._changes.version)

    def close(self) -> None:
        """Gives the file back."""
        self._changes.close()

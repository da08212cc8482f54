"""Floor 2: the databases live here only — SQLite for one host, PostgreSQL for several replicas, the same behaviour."""

from bot.store.opening import open_store

__all__ = ["open_store"]

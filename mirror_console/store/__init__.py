"""The store: the local catalog, one SQLite file, and the lock that lets one console at a time change it."""

from mirror_console.store.catalog import Catalog
from mirror_console.store.lock import CatalogLock, Holder
from mirror_console.store.wishes import Wishes

__all__ = ["Catalog", "CatalogLock", "Holder", "Wishes"]

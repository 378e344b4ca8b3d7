"""Statements are compiled once for all catalogs of a process: SQLAlchemy keeps them with each of its engines.

The program opens one catalog and compiles what it asks once. A test opens its own, and so does each program that a
journey starts: for them, compiling again what was compiled before would be a fifth of all the work.
"""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa

MOST = 4000
"""Statements that are kept."""


@functools.cache
def keep_compiled() -> None:
    """From here on all engines for SQLite share what was compiled, and the dialect that it was compiled for."""
    shared = sa.create_engine("sqlite+pysqlite://", query_cache_size=MOST)
    # What a dialect asks a first connection, it knows then.
    shared.connect().close()
    shared.dispose()
    make = sa.create_engine

    def made(*arguments: Any, **more: Any) -> sa.Engine:
        engine = make(*arguments, **more)
        if engine.dialect.driver == shared.dialect.driver:
            engine.dialect = shared.dialect
            engine._compiled_cache = shared._compiled_cache
        return engine

    sa.create_engine = made

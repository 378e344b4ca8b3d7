"""Engines by SSH, and engines whose unencrypted way a person accepted."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table anew, as a column that is added stands behind the constraints, and keep every row.

    Renamed in the old way, so that the tables that name engines go on naming this one.
    """
    op.execute("PRAGMA legacy_alter_table=ON")
    op.execute("ALTER TABLE engine RENAME TO engine_before")
    op.execute("PRAGMA legacy_alter_table=OFF")
    op.execute(
        """
        CREATE TABLE engine (
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            location TEXT NOT NULL,
            tls TEXT,
            often_offline INTEGER NOT NULL,
            at_once INTEGER NOT NULL,
            timeout REAL NOT NULL,
            notes TEXT NOT NULL,
            probe_host TEXT NOT NULL,
            simulated INTEGER NOT NULL,
            ssh TEXT,
            unencrypted_accepted INTEGER NOT NULL,
            CONSTRAINT pk_engine PRIMARY KEY (id),
            CONSTRAINT uq_engine_name UNIQUE (name)
        ) STRICT
        """
    )
    op.execute("INSERT INTO engine SELECT *, NULL, 0 FROM engine_before")
    op.execute("DROP TABLE engine_before")

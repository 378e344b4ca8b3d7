"""The key that an engine's server was seen to have by TLS, and as whom an account signs in by SSH."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make both tables anew, as a column that is added stands behind the constraints, and keep every row.

    No key is remembered yet: each engine's is at the next connection to it. Renamed in the old way, so that the tables
    that name engines go on naming this one.
    """
    op.execute("PRAGMA legacy_alter_table=ON")
    op.execute("ALTER TABLE engine RENAME TO engine_before")
    op.execute("ALTER TABLE engine_access RENAME TO engine_access_before")
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
            server_key TEXT NOT NULL,
            CONSTRAINT pk_engine PRIMARY KEY (id),
            CONSTRAINT uq_engine_name UNIQUE (name)
        ) STRICT
        """
    )
    op.execute("INSERT INTO engine SELECT *, '' FROM engine_before")
    op.execute(
        """
        CREATE TABLE engine_access (
            engine_id TEXT NOT NULL,
            account TEXT NOT NULL,
            "references" TEXT NOT NULL,
            user TEXT NOT NULL,
            contact TEXT,
            CONSTRAINT pk_engine_access PRIMARY KEY (engine_id, account),
            CONSTRAINT fk_engine_access_engine_id FOREIGN KEY(engine_id)
                REFERENCES engine (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            CONSTRAINT fk_engine_access_account FOREIGN KEY(account)
                REFERENCES account (name) DEFERRABLE INITIALLY DEFERRED
        ) WITHOUT ROWID, STRICT
        """
    )
    op.execute(
        "INSERT INTO engine_access SELECT engine_id, account, \"references\", '', contact FROM engine_access_before"
    )
    op.execute("DROP TABLE engine_access_before")
    op.execute("DROP TABLE engine_before")

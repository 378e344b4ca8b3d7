"""Several credentials an engine, one for each account."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; no engine has such a credential yet."""
    op.execute(
        """
        CREATE TABLE engine_access (
            engine_id TEXT NOT NULL,
            account TEXT NOT NULL,
            "references" TEXT NOT NULL,
            contact TEXT,
            CONSTRAINT pk_engine_access PRIMARY KEY (engine_id, account),
            CONSTRAINT fk_engine_access_engine_id FOREIGN KEY(engine_id)
                REFERENCES engine (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            CONSTRAINT fk_engine_access_account FOREIGN KEY(account)
                REFERENCES account (name) DEFERRABLE INITIALLY DEFERRED
        ) WITHOUT ROWID, STRICT
        """
    )

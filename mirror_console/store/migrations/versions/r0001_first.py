"""The first form of the tables."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE account (
        name TEXT NOT NULL,
        title TEXT NOT NULL,
        contact TEXT NOT NULL,
        CONSTRAINT pk_account PRIMARY KEY (name)
    ) STRICT
    """,
    """
    CREATE TABLE application (
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        slug TEXT NOT NULL,
        account TEXT NOT NULL,
        notes TEXT NOT NULL,
        source_id TEXT,
        image_source TEXT NOT NULL,
        repository TEXT NOT NULL,
        required_variables TEXT NOT NULL,
        CONSTRAINT pk_application PRIMARY KEY (id),
        CONSTRAINT uq_application_slug UNIQUE (slug),
        CONSTRAINT fk_application_source_id FOREIGN KEY(source_id)
            REFERENCES application (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    "CREATE INDEX ix_application_source_id ON application (source_id)",
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
        CONSTRAINT pk_engine PRIMARY KEY (id),
        CONSTRAINT uq_engine_name UNIQUE (name)
    ) STRICT
    """,
    """
    CREATE TABLE meta (
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        CONSTRAINT pk_meta PRIMARY KEY ("key")
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE "plan" (
        id TEXT NOT NULL,
        made_at TEXT NOT NULL,
        made_by TEXT NOT NULL,
        environment TEXT NOT NULL,
        targets TEXT NOT NULL,
        left_out TEXT NOT NULL,
        way TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        CONSTRAINT pk_plan PRIMARY KEY (id)
    ) STRICT
    """,
    """
    CREATE TABLE registry (
        id TEXT NOT NULL,
        host TEXT NOT NULL,
        user TEXT NOT NULL,
        password TEXT NOT NULL,
        CONSTRAINT pk_registry PRIMARY KEY (id),
        CONSTRAINT uq_registry_host UNIQUE (host)
    ) STRICT
    """,
    """
    CREATE TABLE application_domain (
        application_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        domain TEXT NOT NULL,
        CONSTRAINT pk_application_domain PRIMARY KEY (application_id, place),
        CONSTRAINT fk_application_domain_application_id FOREIGN KEY(application_id)
            REFERENCES application (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE application_tag (
        application_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        tag TEXT NOT NULL,
        CONSTRAINT pk_application_tag PRIMARY KEY (application_id, place),
        CONSTRAINT fk_application_tag_application_id FOREIGN KEY(application_id)
            REFERENCES application (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE contact (
        engine_id TEXT NOT NULL,
        at TEXT NOT NULL,
        answered INTEGER NOT NULL,
        took REAL NOT NULL,
        failure TEXT,
        words TEXT NOT NULL,
        last_answer TEXT,
        facts TEXT,
        CONSTRAINT pk_contact PRIMARY KEY (engine_id),
        CONSTRAINT fk_contact_engine_id FOREIGN KEY(engine_id)
            REFERENCES engine (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    """
    CREATE TABLE environment (
        id TEXT NOT NULL,
        application_id TEXT NOT NULL,
        name TEXT NOT NULL,
        engine_id TEXT NOT NULL,
        settings TEXT NOT NULL,
        protected INTEGER NOT NULL,
        hold TEXT,
        CONSTRAINT pk_environment PRIMARY KEY (id),
        CONSTRAINT uq_environment_application_id_name UNIQUE (application_id, name),
        CONSTRAINT fk_environment_application_id FOREIGN KEY(application_id)
            REFERENCES application (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT fk_environment_engine_id FOREIGN KEY(engine_id)
            REFERENCES engine (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    "CREATE INDEX ix_environment_engine_id ON environment (engine_id)",
    """
    CREATE TABLE rollout (
        id TEXT NOT NULL,
        plan_id TEXT NOT NULL,
        state TEXT NOT NULL,
        started_by TEXT NOT NULL,
        why TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        paused_because TEXT NOT NULL,
        passed_gates TEXT NOT NULL,
        console TEXT NOT NULL,
        CONSTRAINT pk_rollout PRIMARY KEY (id),
        CONSTRAINT fk_rollout_plan_id FOREIGN KEY(plan_id)
            REFERENCES "plan" (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    "CREATE INDEX ix_rollout_state ON rollout (state)",
    """
    CREATE TABLE journal (
        sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        rollout_id TEXT NOT NULL,
        entry TEXT NOT NULL,
        hash TEXT NOT NULL,
        CONSTRAINT fk_journal_rollout_id FOREIGN KEY(rollout_id)
            REFERENCES rollout (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    "CREATE INDEX ix_journal_rollout_id ON journal (rollout_id)",
    """
    CREATE TABLE observation (
        environment_id TEXT NOT NULL,
        process TEXT NOT NULL,
        engine_id TEXT NOT NULL,
        seen TEXT NOT NULL,
        CONSTRAINT pk_observation PRIMARY KEY (environment_id, process),
        CONSTRAINT fk_observation_environment_id FOREIGN KEY(environment_id)
            REFERENCES environment (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    "CREATE INDEX ix_observation_engine_id ON observation (engine_id)",
    """
    CREATE TABLE process (
        environment_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        container TEXT NOT NULL,
        CONSTRAINT pk_process PRIMARY KEY (environment_id, place),
        CONSTRAINT uq_process_environment_id_name UNIQUE (environment_id, name),
        CONSTRAINT fk_process_environment_id FOREIGN KEY(environment_id)
            REFERENCES environment (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE release (
        id TEXT NOT NULL,
        environment_id TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        repository TEXT NOT NULL,
        digest TEXT NOT NULL,
        first_seen TEXT NOT NULL,
        current_since TEXT NOT NULL,
        version TEXT NOT NULL,
        revision TEXT NOT NULL,
        size INTEGER,
        platform TEXT NOT NULL,
        CONSTRAINT pk_release PRIMARY KEY (id),
        CONSTRAINT uq_release_environment_id_fingerprint UNIQUE (environment_id, fingerprint),
        CONSTRAINT fk_release_environment_id FOREIGN KEY(environment_id)
            REFERENCES environment (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    """
    CREATE TABLE target (
        rollout_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        environment_id TEXT NOT NULL,
        process TEXT NOT NULL,
        planned TEXT NOT NULL,
        state TEXT NOT NULL,
        step TEXT,
        words TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        way_back TEXT NOT NULL,
        after_fingerprint TEXT NOT NULL,
        verified_by TEXT NOT NULL,
        down_seconds REAL,
        CONSTRAINT pk_target PRIMARY KEY (rollout_id, place),
        CONSTRAINT uq_target_rollout_id_environment_id_process UNIQUE (rollout_id, environment_id, process),
        CONSTRAINT fk_target_rollout_id FOREIGN KEY(rollout_id)
            REFERENCES rollout (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """,
    "CREATE INDEX ix_target_environment_id ON target (environment_id)",
)

TRIGGERS = (
    (
        "CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END"
    ),
    (
        "CREATE TRIGGER journal_is_never_cut BEFORE DELETE ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END"
    ),
)


def upgrade() -> None:
    """Make the tables, as text, so that what came later never changes what the first version made."""
    for statement in (*TABLES, *TRIGGERS):
        op.execute(statement)

"""Images: what engines hold, tags that are followed, marks on releases, what was last applied. Schedules, the audit."""

from alembic import op

revision = "0005"
down_revision = "0004"

ANEW = {
    "application": (
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
            notes_url TEXT NOT NULL,
            template TEXT,
            release_command TEXT,
            backup TEXT,
            own_variables TEXT NOT NULL,
            shared TEXT NOT NULL,
            processes TEXT NOT NULL,
            services TEXT NOT NULL,
            CONSTRAINT pk_application PRIMARY KEY (id),
            CONSTRAINT uq_application_slug UNIQUE (slug),
            CONSTRAINT fk_application_source_id FOREIGN KEY(source_id)
                REFERENCES application (id) DEFERRABLE INITIALLY DEFERRED
        ) STRICT
        """,
        "INSERT INTO application SELECT *, '', NULL, NULL, NULL, '[]', '[]', '[]', '[]' FROM application_before",
        "DROP INDEX ix_application_source_id",
        "CREATE INDEX ix_application_source_id ON application (source_id)",
    ),
    "engine": (
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
            identity TEXT NOT NULL,
            CONSTRAINT pk_engine PRIMARY KEY (id),
            CONSTRAINT uq_engine_name UNIQUE (name)
        ) STRICT
        """,
        "INSERT INTO engine SELECT *, '' FROM engine_before",
    ),
    "environment": (
        """
        CREATE TABLE environment (
            id TEXT NOT NULL,
            application_id TEXT NOT NULL,
            name TEXT NOT NULL,
            engine_id TEXT NOT NULL,
            settings TEXT NOT NULL,
            protected INTEGER NOT NULL,
            hold TEXT,
            follows TEXT,
            "group" TEXT NOT NULL,
            swarm INTEGER NOT NULL,
            CONSTRAINT pk_environment PRIMARY KEY (id),
            CONSTRAINT uq_environment_application_id_name UNIQUE (application_id, name),
            CONSTRAINT fk_environment_application_id FOREIGN KEY(application_id)
                REFERENCES application (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            CONSTRAINT fk_environment_engine_id FOREIGN KEY(engine_id)
                REFERENCES engine (id) DEFERRABLE INITIALLY DEFERRED
        ) STRICT
        """,
        "INSERT INTO environment SELECT *, NULL, '', 0 FROM environment_before",
        "DROP INDEX ix_environment_engine_id",
        "CREATE INDEX ix_environment_engine_id ON environment (engine_id)",
    ),
    "process": (
        """
        CREATE TABLE process (
            environment_id TEXT NOT NULL,
            place INTEGER NOT NULL,
            name TEXT NOT NULL,
            container TEXT NOT NULL,
            command TEXT NOT NULL,
            worker INTEGER NOT NULL,
            going INTEGER NOT NULL,
            limits TEXT,
            own_limits TEXT,
            CONSTRAINT pk_process PRIMARY KEY (environment_id, place),
            CONSTRAINT uq_process_environment_id_name UNIQUE (environment_id, name),
            CONSTRAINT fk_process_environment_id FOREIGN KEY(environment_id)
                REFERENCES environment (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
        ) WITHOUT ROWID, STRICT
        """,
        "INSERT INTO process SELECT *, '[]', 0, 0, NULL, NULL FROM process_before",
    ),
    "release": (
        """
        CREATE TABLE release (
            id TEXT NOT NULL,
            environment_id TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            repository TEXT NOT NULL,
            digest TEXT NOT NULL,
            first_seen TEXT NOT NULL,
            current_since TEXT,
            version TEXT NOT NULL,
            revision TEXT NOT NULL,
            size INTEGER,
            platform TEXT NOT NULL,
            also TEXT NOT NULL,
            tag TEXT NOT NULL,
            tagged_since TEXT,
            created TEXT,
            marks TEXT NOT NULL,
            remark TEXT NOT NULL,
            CONSTRAINT pk_release PRIMARY KEY (id),
            CONSTRAINT fk_release_environment_id FOREIGN KEY(environment_id)
                REFERENCES environment (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
        ) STRICT
        """,
        "INSERT INTO release SELECT *, '[]', '', NULL, NULL, '[]', '' FROM release_before",
        (
            "CREATE UNIQUE INDEX ix_release_environment_id_fingerprint ON release (environment_id, fingerprint) "
            "WHERE fingerprint != ''"
        ),
    ),
    "plan": (
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
            rollback_of TEXT,
            CONSTRAINT pk_plan PRIMARY KEY (id)
        ) STRICT
        """,
        'INSERT INTO "plan" SELECT *, NULL FROM plan_before',
    ),
    "rollout": (
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
            trips TEXT NOT NULL,
            rolls_back TEXT,
            CONSTRAINT pk_rollout PRIMARY KEY (id),
            CONSTRAINT fk_rollout_plan_id FOREIGN KEY(plan_id)
                REFERENCES "plan" (id) DEFERRABLE INITIALLY DEFERRED
        ) STRICT
        """,
        "INSERT INTO rollout SELECT *, '[]', NULL FROM rollout_before",
        "DROP INDEX ix_rollout_state",
        "CREATE INDEX ix_rollout_state ON rollout (state)",
        "CREATE INDEX ix_rollout_rolls_back ON rollout (rolls_back)",
    ),
}
"""Tables that are made anew, as a column that is added stands behind the constraints."""

NEW = (
    "ALTER TABLE target ADD COLUMN down_since TEXT",
    """
    CREATE TABLE tag (
        reference TEXT NOT NULL,
        at TEXT NOT NULL,
        digest TEXT NOT NULL,
        platforms TEXT NOT NULL,
        changed_at TEXT,
        engine_id TEXT NOT NULL,
        failure TEXT,
        words TEXT NOT NULL,
        CONSTRAINT pk_tag PRIMARY KEY (reference)
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE held_image (
        engine_id TEXT NOT NULL,
        id TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        platform TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        tags TEXT NOT NULL,
        digests TEXT NOT NULL,
        version TEXT NOT NULL,
        revision TEXT NOT NULL,
        created TEXT,
        size INTEGER,
        brought_by TEXT NOT NULL,
        CONSTRAINT pk_held_image PRIMARY KEY (engine_id, id),
        CONSTRAINT fk_held_image_engine_id FOREIGN KEY(engine_id)
            REFERENCES engine (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    "CREATE INDEX ix_held_image_fingerprint ON held_image (fingerprint)",
    """
    CREATE TABLE fetch (
        rollout_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        engine_id TEXT NOT NULL,
        engine TEXT NOT NULL,
        reference TEXT NOT NULL,
        title TEXT NOT NULL,
        targets INTEGER NOT NULL,
        state TEXT NOT NULL,
        share REAL NOT NULL,
        words TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        CONSTRAINT pk_fetch PRIMARY KEY (rollout_id, place),
        CONSTRAINT uq_fetch_rollout_id_engine_id_reference UNIQUE (rollout_id, engine_id, reference),
        CONSTRAINT fk_fetch_rollout_id FOREIGN KEY(rollout_id)
            REFERENCES rollout (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE override (
        rollout_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        "check" TEXT NOT NULL,
        answer TEXT NOT NULL,
        environment_id TEXT NOT NULL,
        words TEXT NOT NULL,
        ground TEXT NOT NULL,
        reason TEXT NOT NULL,
        person TEXT NOT NULL,
        at TEXT NOT NULL,
        CONSTRAINT pk_override PRIMARY KEY (rollout_id, place),
        CONSTRAINT fk_override_rollout_id FOREIGN KEY(rollout_id)
            REFERENCES rollout (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE command_run (
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        data TEXT NOT NULL,
        release TEXT NOT NULL,
        rollout_id TEXT NOT NULL,
        environment_id TEXT NOT NULL,
        title TEXT NOT NULL,
        engine_id TEXT NOT NULL,
        container TEXT NOT NULL,
        command TEXT NOT NULL,
        "limit" REAL NOT NULL,
        idempotent INTEGER NOT NULL,
        reversible INTEGER NOT NULL,
        state TEXT NOT NULL,
        begun_at TEXT NOT NULL,
        ended_at TEXT,
        exit_code INTEGER,
        words TEXT NOT NULL,
        output TEXT NOT NULL,
        word TEXT,
        said_by TEXT NOT NULL,
        CONSTRAINT pk_command_run PRIMARY KEY (id)
    ) STRICT
    """,
    "CREATE INDEX ix_command_run_data ON command_run (data)",
    "CREATE INDEX ix_command_run_rollout_id ON command_run (rollout_id)",
    """
    CREATE TABLE applied (
        environment_id TEXT NOT NULL,
        process TEXT NOT NULL,
        container_id TEXT NOT NULL,
        at TEXT NOT NULL,
        "by" TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        settings TEXT NOT NULL,
        rollout_id TEXT NOT NULL,
        title TEXT NOT NULL,
        secrets TEXT NOT NULL,
        CONSTRAINT pk_applied PRIMARY KEY (environment_id, process),
        CONSTRAINT fk_applied_environment_id FOREIGN KEY(environment_id)
            REFERENCES environment (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    """
    CREATE TABLE maintenance_window (
        id TEXT NOT NULL,
        days TEXT NOT NULL,
        begins INTEGER NOT NULL,
        ends INTEGER NOT NULL,
        zone TEXT NOT NULL,
        account TEXT NOT NULL,
        application_id TEXT,
        environment TEXT NOT NULL,
        CONSTRAINT pk_maintenance_window PRIMARY KEY (id),
        CONSTRAINT fk_maintenance_window_application_id FOREIGN KEY(application_id)
            REFERENCES application (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    "CREATE INDEX ix_maintenance_window_application_id ON maintenance_window (application_id)",
    """
    CREATE TABLE freeze (
        id TEXT NOT NULL,
        begins_at TEXT NOT NULL,
        ends_at TEXT NOT NULL,
        reason TEXT NOT NULL,
        person TEXT NOT NULL,
        account TEXT NOT NULL,
        application_id TEXT,
        environment TEXT NOT NULL,
        CONSTRAINT pk_freeze PRIMARY KEY (id),
        CONSTRAINT fk_freeze_application_id FOREIGN KEY(application_id)
            REFERENCES application (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    ) WITHOUT ROWID, STRICT
    """,
    "CREATE INDEX ix_freeze_application_id ON freeze (application_id)",
    """
    CREATE TABLE audit (
        sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        line TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    (
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END"
    ),
    (
        "CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END"
    ),
)


def upgrade() -> None:
    """Keep every row. Renamed in the old way, so that the tables that name these go on naming them."""
    op.execute("PRAGMA legacy_alter_table=ON")
    for name in ANEW:
        op.execute(f'ALTER TABLE "{name}" RENAME TO {name}_before')
    op.execute("PRAGMA legacy_alter_table=OFF")
    for name, statements in ANEW.items():
        for statement in statements:
            op.execute(statement)
        op.execute(f"DROP TABLE {name}_before")
    for statement in NEW:
        op.execute(statement)

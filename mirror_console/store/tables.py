"""The tables of the catalog.

A value of the domain is a row; its fields are columns of the same name and kind. To give a noun another field: add the
column here, and add it to the newest migration that no released version has, or else to a new one with its default.
Whatever is nested and never searched for is JSON and grows by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mirror_console.domain.application import ImageSource, Kind
from mirror_console.domain.check import Answer, Check
from mirror_console.domain.engine import Address, Contact, EngineFacts, TlsReferences
from mirror_console.domain.environment import Hold, Limits, Settings, TagRule
from mirror_console.domain.fetching import FetchState
from mirror_console.domain.observation import Observation
from mirror_console.domain.plan import LeftOut, PlannedTarget, RollbackOf
from mirror_console.domain.process import DeclaredProcess
from mirror_console.domain.release import Mark, Twin
from mirror_console.domain.release_command import BackupCommand, ReleaseCommand, RunKind, RunState, Said
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.schedule import Day
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.service import Service
from mirror_console.domain.ssh import SshAccess
from mirror_console.domain.steps import Step
from mirror_console.domain.trip import Trip
from mirror_console.domain.way import Way
from mirror_console.errors import FailureKind
from mirror_console.store.columns import Flag, Json, Moment, Pointer, Real, Reference, Text, Whole, Word

APPLICATION_ID = 0x4D634F6E
"""Stands in the file's header and says that it is a catalog ('McOn'). Source: PRAGMA application_id of SQLite."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _table(name: str, *items: sa.schema.SchemaItem, rowid: bool = True) -> sa.Table:
    return sa.Table(name, metadata, *items, sqlite_strict=True, sqlite_with_rowid=rowid)


def _column(name: str, kind: sa.types.TypeEngine[Any], *more: sa.ForeignKey, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, nullable=null)


def _key(name: str, *more: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, Text(), *more, primary_key=True, nullable=False)


def _of(table: str, column: str = "id", *, with_it: bool = False) -> sa.ForeignKey:
    """A foreign key, looked at when the transaction ends: what belongs together may come in any order.

    `with_it`: what the key stands on takes this along when it is removed.
    """
    return sa.ForeignKey(
        f"{table}.{column}", ondelete="CASCADE" if with_it else None, deferrable=True, initially="DEFERRED"
    )


meta = _table("meta", _key("key"), _column("value", Text()), rowid=False)
"""``id``: the catalog's identity; ``program``: the version that gave the tables their form."""

account = _table("account", _key("name"), _column("title", Text()), _column("contact", Text()))

application = _table(
    "application",
    _key("id"),
    _column("kind", Word(Kind)),
    _column("name", Text()),
    _column("slug", Text()),
    _column("account", Text()),
    _column("notes", Text()),
    _column("source_id", Pointer(), _of("application"), null=True),
    _column("image_source", Word(ImageSource)),
    _column("repository", Text()),
    _column("required_variables", Json(tuple[str, ...])),
    _column("notes_url", Text()),
    _column("template", Json(Settings | None), null=True),
    _column("release_command", Json(ReleaseCommand | None), null=True),
    _column("backup", Json(BackupCommand | None), null=True),
    _column("own_variables", Json(tuple[str, ...])),
    _column("shared", Json(tuple[str, ...])),
    _column("processes", Json(tuple[DeclaredProcess, ...])),
    _column("services", Json(tuple[Service, ...])),
    sa.UniqueConstraint("slug"),
    sa.Index(None, "source_id"),
)

application_tag = _table(
    "application_tag",
    _key("application_id", _of("application", with_it=True)),
    sa.Column("place", Whole(), primary_key=True, nullable=False),
    _column("tag", Text()),
    rowid=False,
)

application_domain = _table(
    "application_domain",
    _key("application_id", _of("application", with_it=True)),
    sa.Column("place", Whole(), primary_key=True, nullable=False),
    _column("domain", Text()),
    rowid=False,
)

engine = _table(
    "engine",
    _key("id"),
    _column("name", Text()),
    _column("address", Json(Address)),
    _column("location", Text()),
    _column("tls", Json(TlsReferences | None), null=True),
    _column("often_offline", Flag()),
    _column("at_once", Whole()),
    _column("timeout", Real()),
    _column("notes", Text()),
    _column("probe_host", Text()),
    _column("simulated", Flag()),
    _column("ssh", Json(SshAccess | None), null=True),
    _column("unencrypted_accepted", Flag()),
    _column("server_key", Text()),
    _column("identity", Text()),
    sa.UniqueConstraint("name"),
)

contact = _table(
    "contact",
    _key("engine_id", _of("engine", with_it=True)),
    _column("at", Moment()),
    _column("answered", Flag()),
    _column("took", Real()),
    _column("failure", Word(FailureKind), null=True),
    _column("words", Text()),
    _column("last_answer", Moment(), null=True),
    _column("facts", Json(EngineFacts | None), null=True),
)

engine_access = _table(
    "engine_access",
    _key("engine_id", _of("engine", with_it=True)),
    _key("account", _of("account", "name")),
    _column("references", Json(Mapping[str, SecretReference])),
    _column("user", Text()),
    _column("contact", Json(Contact | None), null=True),
    rowid=False,
)
"""`contact` is the last attempt to reach the engine with this account's credentials."""

registry = _table(
    "registry",
    _key("id"),
    _column("host", Text()),
    _column("user", Text()),
    _column("password", Reference()),
    sa.UniqueConstraint("host"),
)

environment = _table(
    "environment",
    _key("id"),
    _column("application_id", Text(), _of("application", with_it=True)),
    _column("name", Text()),
    _column("engine_id", Text(), _of("engine")),
    _column("settings", Json(Settings, remembered=50_000)),
    _column("protected", Flag()),
    _column("hold", Json(Hold | None), null=True),
    _column("follows", Json(TagRule | None), null=True),
    _column("group", Text()),
    _column("swarm", Flag()),
    sa.UniqueConstraint("application_id", "name"),
    sa.Index(None, "engine_id"),
)

process = _table(
    "process",
    _key("environment_id", _of("environment", with_it=True)),
    sa.Column("place", Whole(), primary_key=True, nullable=False),
    _column("name", Text()),
    _column("container", Text()),
    _column("command", Json(tuple[str, ...], remembered=64)),
    _column("worker", Flag()),
    _column("going", Flag()),
    _column("limits", Json(Limits | None), null=True),
    _column("own_limits", Json(Limits | None), null=True),
    sa.UniqueConstraint("environment_id", "name"),
    rowid=False,
)

release = _table(
    "release",
    _key("id"),
    _column("environment_id", Text(), _of("environment", with_it=True)),
    _column("fingerprint", Text()),
    _column("repository", Text()),
    _column("digest", Text()),
    _column("first_seen", Moment()),
    _column("current_since", Moment(), null=True),
    _column("version", Text()),
    _column("revision", Text()),
    _column("size", Whole(), null=True),
    _column("platform", Text()),
    _column("also", Json(tuple[Twin, ...])),
    _column("tag", Text()),
    _column("tagged_since", Moment(), null=True),
    _column("created", Moment(), null=True),
    _column("marks", Json(tuple[Mark, ...])),
    _column("remark", Text()),
    sa.Index(None, "environment_id", "fingerprint", unique=True, sqlite_where=sa.text("fingerprint != ''")),
)
"""The same image once for an environment; but of several only the digests may be known."""

tag = _table(
    "tag",
    _key("reference"),
    _column("at", Moment()),
    _column("digest", Text()),
    _column("platforms", Json(tuple[str, ...])),
    _column("changed_at", Moment(), null=True),
    _column("engine_id", Text()),
    _column("failure", Word(FailureKind), null=True),
    _column("words", Text()),
    rowid=False,
)

held_image = _table(
    "held_image",
    _key("engine_id", _of("engine", with_it=True)),
    _key("id"),
    _column("fingerprint", Text()),
    _column("platform", Text()),
    _column("seen_at", Moment()),
    _column("tags", Json(tuple[str, ...])),
    _column("digests", Json(tuple[str, ...])),
    _column("version", Text()),
    _column("revision", Text()),
    _column("created", Moment(), null=True),
    _column("size", Whole(), null=True),
    _column("brought_by", Text()),
    sa.Index(None, "fingerprint"),
    rowid=False,
)

applied = _table(
    "applied",
    _key("environment_id", _of("environment", with_it=True)),
    _key("process"),
    _column("container_id", Text()),
    _column("at", Moment()),
    _column("by", Text()),
    _column("fingerprint", Text()),
    _column("settings", Json(Settings, remembered=50_000)),
    _column("rollout_id", Text()),
    _column("title", Text()),
    _column("secrets", Json(Mapping[str, str])),
    rowid=False,
)

observation = _table(
    "observation",
    _key("environment_id", _of("environment", with_it=True)),
    _key("process"),
    _column("engine_id", Text()),
    _column("seen", Json(Observation)),
    sa.Index(None, "engine_id"),
    rowid=False,
)
"""Written and read by the ten thousand, and never searched for by what was seen: as one JSON it is twice as fast."""

maintenance_window = _table(
    "maintenance_window",
    _key("id"),
    _column("days", Json(tuple[Day, ...])),
    _column("begins", Whole()),
    _column("ends", Whole()),
    _column("zone", Text()),
    _column("account", Text()),
    _column("application_id", Pointer(), _of("application", with_it=True), null=True),
    _column("environment", Text()),
    sa.Index(None, "application_id"),
    rowid=False,
)

freeze = _table(
    "freeze",
    _key("id"),
    _column("begins_at", Moment()),
    _column("ends_at", Moment()),
    _column("reason", Text()),
    _column("person", Text()),
    _column("account", Text()),
    _column("application_id", Pointer(), _of("application", with_it=True), null=True),
    _column("environment", Text()),
    sa.Index(None, "application_id"),
    rowid=False,
)

# Plans, rollouts, targets and the journal are history: they keep identities and names as they were, without foreign
# keys to applications, environments and engines, which may be removed.

plan = _table(
    "plan",
    _key("id"),
    _column("made_at", Moment()),
    _column("made_by", Text()),
    _column("environment", Text()),
    _column("targets", Json(tuple[PlannedTarget, ...])),
    _column("left_out", Json(tuple[LeftOut, ...])),
    _column("way", Json(Way)),
    _column("fingerprint", Text()),
    _column("rollback_of", Json(RollbackOf | None), null=True),
)

rollout = _table(
    "rollout",
    _key("id"),
    _column("plan_id", Text(), _of("plan")),
    _column("state", Word(RolloutState)),
    _column("started_by", Text()),
    _column("why", Text()),
    _column("started_at", Moment()),
    _column("ended_at", Moment(), null=True),
    _column("paused_because", Text()),
    _column("passed_gates", Json(tuple[int, ...])),
    _column("console", Text()),
    _column("trips", Json(tuple[Trip, ...])),
    # Its plan says that too, as a part of JSON: this is to be searched for.
    _column("rolls_back", Text(), null=True),
    sa.Index(None, "state"),
    sa.Index(None, "rolls_back"),
)

target = _table(
    "target",
    _key("rollout_id", _of("rollout", with_it=True)),
    sa.Column("place", Whole(), primary_key=True, nullable=False),
    _column("environment_id", Text()),
    _column("process", Text()),
    _column("planned", Json(PlannedTarget)),
    _column("state", Word(TargetState)),
    _column("step", Word(Step), null=True),
    _column("words", Text()),
    _column("attempt", Whole()),
    _column("started_at", Moment(), null=True),
    _column("ended_at", Moment(), null=True),
    _column("way_back", Text()),
    _column("after_fingerprint", Text()),
    _column("verified_by", Text()),
    _column("down_seconds", Real(), null=True),
    _column("down_since", Moment(), null=True),
    sa.UniqueConstraint("rollout_id", "environment_id", "process"),
    sa.Index(None, "environment_id"),
)

fetch = _table(
    "fetch",
    _key("rollout_id", _of("rollout", with_it=True)),
    sa.Column("place", Whole(), primary_key=True, nullable=False),
    _column("engine_id", Text()),
    _column("engine", Text()),
    _column("reference", Text()),
    _column("title", Text()),
    _column("targets", Whole()),
    _column("state", Word(FetchState)),
    _column("share", Real()),
    _column("words", Text()),
    _column("started_at", Moment(), null=True),
    _column("ended_at", Moment(), null=True),
    sa.UniqueConstraint("rollout_id", "engine_id", "reference"),
    rowid=False,
)

override = _table(
    "override",
    _key("rollout_id", _of("rollout", with_it=True)),
    sa.Column("place", Whole(), primary_key=True, nullable=False),
    _column("check", Word(Check)),
    _column("answer", Word(Answer)),
    _column("environment_id", Text()),
    _column("words", Text()),
    _column("ground", Text()),
    _column("reason", Text()),
    _column("person", Text()),
    _column("at", Moment()),
    rowid=False,
)

command_run = _table(
    "command_run",
    _key("id"),
    _column("kind", Word(RunKind)),
    _column("data", Text()),
    _column("release", Text()),
    _column("rollout_id", Text()),
    _column("environment_id", Text()),
    _column("title", Text()),
    _column("engine_id", Text()),
    _column("container", Text()),
    _column("command", Json(tuple[str, ...])),
    _column("limit", Real()),
    _column("idempotent", Flag()),
    _column("reversible", Flag()),
    _column("state", Word(RunState)),
    _column("begun_at", Moment()),
    _column("ended_at", Moment(), null=True),
    _column("exit_code", Whole(), null=True),
    _column("words", Text()),
    _column("output", Text()),
    _column("word", Word(Said), null=True),
    _column("said_by", Text()),
    sa.Index(None, "data"),
    sa.Index(None, "rollout_id"),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("sequence", sa.Integer(), primary_key=True, nullable=False),
    _column("rollout_id", Text(), _of("rollout")),
    _column("entry", Text()),
    _column("hash", Text()),
    sa.Index(None, "rollout_id"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""`entry` is the JSON over which the chain of hashes runs: a field that comes later leaves older lines as they are."""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("sequence", sa.Integer(), primary_key=True, nullable=False),
    _column("line", Text()),
    _column("hash", Text()),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""`line` is the JSON over which the chain of hashes runs, as in the journal."""

TRIGGERS = {
    "journal_is_never_changed": (
        "CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END"
    ),
    "journal_is_never_cut": (
        "CREATE TRIGGER journal_is_never_cut BEFORE DELETE ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END"
    ),
    "audit_is_never_changed": (
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END"
    ),
    "audit_is_never_cut": (
        "CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END"
    ),
}
"""The only triggers of a catalog. A file with any other, or with a view or a virtual table, isn't opened."""

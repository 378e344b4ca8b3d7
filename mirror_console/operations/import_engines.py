"""Import engines: engines with the credentials of accounts, and registries, as an import file writes them."""

from __future__ import annotations

from dataclasses import replace

from mirror_console.domain.engine import Engine, Way
from mirror_console.domain.image import registry_host
from mirror_console.domain.secret import Secret
from mirror_console.domain.server_key import parse_fingerprint
from mirror_console.errors import Problem
from mirror_console.operations.access_input import AccessInput, draft_access
from mirror_console.operations.console import new_id
from mirror_console.operations.engine_input import EngineInput, clashes, draft_engine, engine_input
from mirror_console.operations.import_batch import Batch, Known
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.import_ssh import SSH, in_file, read_ssh
from mirror_console.operations.import_texts import Texts
from mirror_console.operations.registries import RegistryInput, draft_registry, host_and_user_problems
from mirror_console.operations.ssh_input import missing_credentials

ENGINE = (
    "name",
    "address",
    "location",
    "ca",
    "certificate",
    "key",
    "often_offline",
    "at_once",
    "timeout",
    "notes",
    "probe_host",
    "simulated",
    "ssh",
    "server_key",
    "accounts",
)
ENGINE_ACCOUNT = ("account", "ca", "certificate", "key", "ssh")
ACCOUNT_SSH = ("user", "key", "passphrase_file", "password_file")
REGISTRY = ("host", "user", "password", "password_file")


class EngineReader:
    """Reads them against what the catalog has, into the batch."""

    def __init__(self, known: Known, batch: Batch, texts: Texts) -> None:
        self._known = known
        self._batch = batch
        self._texts = texts

    def engine(self, fields: Fields) -> None:
        """One engine, with the credentials of its accounts."""
        batch = self._batch
        name = fields.text("name")
        before = next((engine for engine in self._known.engines if engine.name.casefold() == name.casefold()), None)
        old = engine_input(before) if before else EngineInput()
        typed = EngineInput(
            name=name,
            address=fields.text("address", old.address),
            location=fields.text("location", old.location),
            ca=self._texts.pem(fields, "ca").reveal(),
            certificate=self._texts.pem(fields, "certificate").reveal(),
            key=self._texts.pem(fields, "key"),
            often_offline=fields.flag("often_offline", old.often_offline),
            at_once=fields.text("at_once", old.at_once),
            timeout=fields.text("timeout", old.timeout),
            notes=fields.text("notes", old.notes),
            probe_host=fields.text("probe_host", old.probe_host),
            simulated=fields.flag("simulated", old.simulated),
            ssh=read_ssh(fields.below("ssh", SSH), old.ssh, self._texts),
        )
        found: list[Problem] = []
        draft = draft_engine(typed, before, found, fields.at)
        batch.problems += [in_file(problem, fields.at) for problem in found]
        others = [engine for engine in self._known.engines if before is None or engine.id != before.id]
        others = [engine for engine in others if engine.id not in batch.engines] + list(batch.engines.values())
        batch.problems += clashes(name, draft.engine if draft else None, others, fields.at)
        if not name:
            batch.unread.add("engines")
        elif name.casefold() in batch.engine_names - {engine.name.casefold() for engine in batch.engines.values()}:
            fields.wrong("name", f"the engine '{name}' comes twice")
        batch.engine_names.add(name.casefold())
        if draft is None:
            return
        draft = replace(draft, engine=self._with_server_key(fields, draft.engine))
        batch.engines[draft.engine.id] = draft.engine
        batch.secrets.update(draft.secrets)
        if draft.engine.address.way is Way.PLAIN and not draft.engine.unencrypted_accepted:
            fields.wrong("address", "an address without encryption is never imported: add the engine by hand")
        access = draft.engine.ssh
        if access is not None and missing_credentials(access):
            batch.notes.append(f"{name} can't be reached before its {access.sign_in} is given: edit the engine.")
        for key in access.host_keys if access and before is None else ():
            batch.notes.append(f"{name}: compare the key of {key.place} with what stands there: {key.words}.")
        tls = draft.engine.address.way is Way.TLS
        if tls and len(draft.secrets) < 3 and (before is None or before.tls is None):
            batch.notes.append(f"{name} can't be reached before its certificates are given: edit the engine.")
        for path, node in fields.several("accounts"):
            self._access(draft.engine, Fields(node, path, ENGINE_ACCOUNT, batch.problems))

    def _with_server_key(self, fields: Fields, engine: Engine) -> Engine:
        """A file may bring the key of a server along, and never puts another in its place: it has compared nothing."""
        text = fields.text("server_key")
        if not text:
            return engine
        try:
            key = parse_fingerprint(text)
        except ValueError as error:
            fields.wrong("server_key", str(error))
            return engine
        if engine.address.way is not Way.TLS:
            fields.wrong("server_key", "it is for an address by TLS alone")
        elif engine.server_key and engine.server_key != key:
            fields.wrong("server_key", "another key of this engine is remembered: compare it by hand")
        elif not engine.server_key:
            self._batch.notes.append(f"{engine.name}: compare its TLS key with what stands there: {key}.")
        return replace(engine, server_key=key)

    def _access(self, engine: Engine, fields: Fields) -> None:
        """One account's credential on an engine. Without texts, as an export writes it, it stands for what is there."""
        batch = self._batch
        account = fields.text("account", needed=True)
        before = next(
            (one for one in self._known.accesses if (one.engine_id, one.account) == (engine.id, account)), None
        )
        if any((one.engine_id, one.account) == (engine.id, account) for one in batch.accesses):
            fields.wrong("account", f"the account '{account}' comes twice")
        ssh = fields.below("ssh", ACCOUNT_SSH)
        typed = AccessInput(
            account,
            ca=self._texts.pem(fields, "ca").reveal(),
            certificate=self._texts.pem(fields, "certificate").reveal(),
            key=self._texts.pem(fields, "key"),
            user=ssh.text("user") if "user" in ssh else None,
            ssh_key=self._texts.pem(ssh, "key") if "key" in ssh else Secret(""),
            ssh_passphrase=self._texts.line(ssh, "passphrase_file"),
            ssh_password=self._texts.line(ssh, "password_file"),
        )
        if before is None and not typed.credentials:
            batch.notes.append(f"{engine.name} still needs the credential of account {account}: engines access.")
            return
        access, secrets, problems = draft_access(engine, typed, before, fields.at)
        batch.problems += [in_file(problem, fields.at) for problem in problems]
        batch.accesses.append(access)
        batch.secrets.update(secrets)
        batch.accounts.setdefault(account, self._known.account(account))

    def registry(self, fields: Fields) -> None:
        """One registry."""
        batch = self._batch
        host = registry_host(fields.text("host"))
        before = next((registry for registry in self._known.registries if registry.host == host), None)
        password = Secret("")
        if "password_file" in fields:
            password = Secret(self._texts.file(fields, "password_file").reveal().rstrip("\r\n"))
        elif "password" in fields:
            password = Secret(fields.text("password"))
            batch.notes.append(f"The file holds the password of {host} in clear: take it out of there.")
        elif before is None:
            batch.notes.append(f"{host} has no password yet: edit the registry.")
        typed = RegistryInput(host, fields.text("user", before.user if before else ""), password)
        batch.problems += host_and_user_problems(typed, fields.at)
        if any(registry.host == host for registry in batch.registries.values()):
            fields.wrong("host", f"the registry {host} comes twice")
        if any(problem.field.startswith(fields.at + ".") for problem in batch.problems):
            return
        registry, secrets = draft_registry(typed, before.id if before else new_id())
        batch.registries[registry.id] = registry
        batch.secrets.update(secrets)

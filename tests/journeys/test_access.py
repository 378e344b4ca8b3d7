"""Several credentials a real engine: each account's own is what the engine sees, and one that fails costs its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.canaries import kept
from tests.journeys.console import Program, cells
from tests.lab.certificates import Authority
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

QUICK = ("--way", "test environment", "--bake", "0")


def test_each_account_with_its_own_certificate(program: Program, agency: Agency, tls_engine: LabEngine) -> None:
    docker, old = agency.docker(tls_engine), agency.publish(tls_engine, "26.8.1")
    agency.deploy(tls_engine, old)
    accounts = {"dunes": "DUNES", "harbour": "HARBOUR", "corner": "CORNER", "meadow": ""}
    mirrors = []
    for slug, account in accounts.items():
        agency.run_mirror(tls_engine, old.reference, f"{slug}-live")
        mirrors.append(mirror_entry(slug.title(), tls_engine, f"{slug}-live") | {"account": account})
    agency.fill(program, tls_engine, mirrors=mirrors)
    name, lab = tls_engine.name, agency.lab
    given = {
        "DUNES": lab.authority.client("dunes"),
        "HARBOUR": replace(Authority("Other").client("harbour"), ca=lab.authority.pem),
    }
    for account, credentials in given.items():
        folder = agency.folder / account
        credentials.write(folder, (0, 0))
        files = ("--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem"))
        program.run("engines", "access", name, "--account", account, *files)
    assert len(kept(program.catalog)) == 3 + 1 + 2 * 2

    checked = program.ask("check", expect=1)
    assert checked["failed"] == [{"engine": f"{name} for HARBOUR", "why": "sign-in refused"}]
    assert checked["answered"] == [name]
    told = cells(program.ask("status", expect=1))
    assert {slug: cell["status"] for slug, cell in told.items()} == {
        "dunes": "aligned",
        "harbour": "unreachable",
        "corner": "no access",
        "meadow": "aligned",
    }
    assert not told["corner"]["running"]
    assert program.ask("engines", "test", name, "--account", "DUNES")[4]["state"] == "ok"

    agency.deploy(tls_engine, agency.publish(tls_engine, "26.8.2", probe=0.5))
    program.run("check", expect=1)
    rolled = program.ask("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "it", "--yes", "2", expect=None)
    assert {target["mirror"]: target["state"] for target in rolled["targets"]} == {"Dunes": "done", "Meadow": "done"}
    versions = {slug: docker.version_of(f"{slug}-live") for slug in accounts}
    assert versions == {"dunes": "26.8.2", "harbour": "26.8.1", "corner": "26.8.1", "meadow": "26.8.2"}

    program.run("engines", "access", name, "--account", "DUNES", "--remove")
    program.run("check", expect=1)
    assert cells(program.ask("status", expect=1))["dunes"]["status"] == "no access"
    program.run("engines", "access", name, "--account", "HARBOUR", "--remove")
    assert program.ask("check")["failed"] == []
    assert {cell["status"] for cell in cells(program.ask("status", expect=None)).values()} == {"aligned", "behind"}

"""Settings alone, and windows and freezes, from the command line."""

from __future__ import annotations

import pytest

from mirror_console.domain.environment import Limits
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet

pytestmark = pytest.mark.slow

FAST = ("-e", "live", "--all", "--waves", "rest", "--bake", "0")
MIB = 1024 * 1024


def test_settings_go_out_alone_and_back_while_containers_run(call: CommandLine, fleet: Fleet) -> None:
    for mirror in fleet.mirrors:
        fleet.with_settings(fleet.environment(mirror, "live"), limits=Limits(pids=100))
    fleet.publish("26.8.3", health_interval=0.02)
    assert call("rollout", "start", *FAST, "--why", "x", "--yes", "4").code == 0
    fleet.publish("26.8.4", health_interval=0.02)
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), limits=Limits(pids=200))
    fleet.with_settings(fleet.environment(fleet.mirrors[1], "live"), variables={"DOMAIN": "new.example"})
    ids = [fleet.container(f"mirror-0{number}-live").id for number in (1, 2)]

    planned = call("rollout", "plan", *FAST, "--settings")
    assert planned.code == 0, planned.err
    assert "to live (settings only), valid until" in planned.out
    assert "2 targets on 2 engines in 1 wave (2); 2 left out" in planned.out
    assert "process limit: 100 → 200" in planned.out
    assert "variable DOMAIN: as applied → another value" in planned.out
    assert "new.example" not in planned.out
    assert "1 target changed in place, while it runs: no restart, no downtime." in planned.out
    told = call("rollout", "plan", *FAST, "--settings", "--json").json
    assert told["kind"] == "settings only"
    swaps = {target["mirror"]: (target["swap"], target["settings"]) for target in told["targets"]}
    assert swaps["Mirror 01"] == ("in place", [{"field": "process limit", "before": "100", "after": "200"}])
    assert swaps["Mirror 02"][0] == "recreate"

    started = call("rollout", "start", *FAST, "--settings", "--why", "more processes", "--yes", "2")
    assert started.code == 0, started.err
    assert [fleet.version_of(f"mirror-0{number}-live") for number in (1, 2)] == ["26.8.3"] * 2
    assert fleet.container("mirror-01-live").id == ids[0]
    assert fleet.container("mirror-01-live").host["PidsLimit"] == 200
    assert fleet.container("mirror-02-live").id != ids[1]
    assert "nothing" in call("rollout", "plan", *FAST, "--settings").out

    back = call("rollout", "rollback", "--all", "--why", "too many", "--yes", "2")
    assert back.code == 0, back.err
    assert fleet.container("mirror-01-live").id == ids[0]
    assert fleet.container("mirror-01-live").host["PidsLimit"] == 100


def test_windows_and_freezes_are_changed_where_they_are(call: CommandLine, fleet: Fleet) -> None:
    window = ("--days", "sat", "--from", "02:00", "--to", "06:00", "--zone", "Europe/Berlin", "-m", "mirror-01")
    assert call("schedule", "window", *window).code == 0
    freeze = ("--from", "2099-12-20", "--until", "2100-01-06", "--reason", "an audit", "--zone", "Europe/Berlin")
    assert call("schedule", "freeze", *freeze).code == 0
    one, other = call("schedule", "list", "--json").json

    said = call("schedule", "edit", one["id"][:8], "--days", "sat,sun", "--mirror", "", "-e", "live")
    assert said.code == 0, said.err
    assert said.out.strip() == "Changed the window of live."
    # A freeze is told in its own zone again, or not at all.
    assert call("schedule", "edit", other["id"], "--until", "2100-01-08").code == 2
    assert call("schedule", "edit", other["id"], "--days", "mon").code == 2
    assert call("schedule", "edit", other["id"], "--reason", "a longer audit").code == 0
    changed = call("schedule", "edit", other["id"], "--until", "2100-01-08", "--zone", "Europe/Berlin", "--json").json

    listed = call("schedule", "list", "--json").json
    assert [found["id"] for found in listed] == [one["id"], other["id"]]
    assert (listed[0]["days"], listed[0]["from"], listed[0]["mirror"]) == (["sat", "sun"], "02:00", "")
    assert (changed["from"], changed["reason"]) == (other["from"], "a longer audit")
    assert changed["until"] == "2100-01-08T23:00:00Z"
    assert call("--read-only", "schedule", "edit", one["id"], "--days", "mon").code == 3

"""Release commands from the command line: what was run, what it wrote, and the word that a person gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.release_command import BackupCommand, ReleaseCommand
from mirror_console.operations.refresh import refresh
from tests.cli.terminal import CommandLine
from tests.operations.fleet import Fleet

pytestmark = pytest.mark.slow

START = ("rollout", "start", "-e", "live", "--mirror", "mirror-01", "--why", "a release", "--yes", "1", "--bake", "0")


def declare(fleet: Fleet, script: str, **how: bool) -> None:
    command = ReleaseCommand(("sh", "-c", script), 20.0, **how)
    with fleet.console.catalog.write() as books:
        source = books.applications.get("source")
        books.applications.save(replace(source, release_command=command, backup=BackupCommand(("true",))))


def test_what_was_run_is_listed_shown_and_said_something_of(fleet: Fleet, call: CommandLine) -> None:
    assert call("release-commands", "list").out == "Nothing was run for a release yet.\n"
    declare(fleet, "echo '<b>migrating</b>'; echo '  step 1'; echo cannot connect; exit 7")
    fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    plan = call("rollout", "plan", "-e", "live", "--mirror", "mirror-01")
    assert "is run once for each of 1 target, a backup before it, unless it was run already." in " ".join(
        plan.out.split()
    )
    assert "Putting back doesn't undo it" in " ".join(plan.out.split())
    (target,) = call("rollout", "plan", "-e", "live", "--mirror", "mirror-01", "--json").json["targets"]
    assert (target["way_back"], target["backup"], target["group"]) == ("blocked", "true", "")
    assert call(*START).code == 1

    release, backup = call("release-commands", "list", "--json").json
    assert (backup["kind"], backup["state"], backup["needs_a_word"]) == ("backup", "succeeded", False)
    assert (release["kind"], release["exit_code"], release["needs_a_word"]) == ("release command", 7, True)
    rollout = call("rollout", "show", "--json").json
    of_rollout = call("release-commands", "list", "--rollout", rollout["id"][:8])
    assert "waits for your word" in " ".join(of_rollout.out.split())
    shown = call("release-commands", "show", release["id"][:12])
    wrote = "<b>migrating</b>\n  step 1\ncannot connect"
    assert shown.out.endswith(f"\n{wrote}\n")
    assert call("release-commands", "show", release["id"], "--json").json["output"] == wrote
    report = call("rollout", "report").out
    assert "Run before: backup: 1 succeeded; release command: 1 failed" in report
    html = call("rollout", "report", "--format", "html").out
    assert '<pre class="soft">&lt;b&gt;migrating&lt;/b&gt;\n  step 1\ncannot connect</pre>' in html
    assert call("rollout", "report", "--json").json["commands"][0]["output"] == wrote

    assert call("release-commands", "say", release["id"], "perhaps").code == 2
    assert call("release-commands", "say", "nosuch", "counts-as-run").code == 2
    assert "every target is blocked by a check" in call(*START).err
    said = call("release-commands", "say", release["id"][:12], "counts-as-run")
    assert said.out == "The release command at Mirror 01 live counts as run.\n"
    assert call(*START).code == 0
    assert "operator: counts as run" in " ".join(call("release-commands", "list").out.split())
    (line,) = [one for one in call("audit", "list", "--json").json if one["act"]["noun"] == "release command"]
    assert (line["act"]["title"], line["act"]["after"]["word"]) == ("Mirror 01 live", "counts as run")

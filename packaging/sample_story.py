"""The whole job on the command line, for who has no display: look, plan, check, roll out, report, and pictures."""

from __future__ import annotations

import shlex
import sys

from sample_base import Sample, say

FILTER = "source:webshop"
WAY = ("--waves", "1,25%,rest", "--bake", "2", "--no-pause")


def tell_story(sample: Sample) -> int:
    """Do the job, saying each command before it runs. The exit code of what failed first, else 0."""
    _do(sample, "What runs where, against what should run there:", "status", "--refresh", attention=True)
    say("\nThe agency's pipeline publishes the next release and deploys it to the source's live.")
    version = sample.publish_next()
    say(f"Published {version}.")
    _do(sample, "The mirrors are behind now:", "check", attention=True)
    wanted = ("--environment", "live", "--filter", FILTER, *WAY)
    _do(sample, "What a rollout to live would do:", "rollout", "plan", *wanted)
    plan = sample.ask("rollout", "plan", *wanted)
    _do(sample, "What the checks say:", "rollout", "checks", plan["fingerprint"], attention=True)
    start = ("rollout", "start", "--plan", plan["fingerprint"], "--why", f"the sample's release {version}")
    _do(sample, "The rollout:", *start, "--yes", str(len(plan["targets"])), attention=True)
    report = str(sample.place.home / "report.html")
    _do(sample, "Its report:", "rollout", "report", attention=True)
    _do(sample, "The whole of it:", "rollout", "report", "--html", report, attention=True)
    _do(sample, "What runs now:", "status", attention=True)
    say("\nPictures of the windows:")
    sample.run([sys.executable, "packaging/pictures.py", str(sample.place.pictures)])
    say(f"They are in {sample.place.pictures}; the report is {report}.")
    say("'packaging/demo --stop' takes the sample away.")
    return 0


def _do(sample: Sample, title: str, *arguments: str, attention: bool = False) -> None:
    """Run one command of the console; with `attention` its exit code 1, something needs a look, is no failure."""
    say(f"\n{title}\n$ mirror-console {shlex.join(arguments)}")
    code = sample.console(*arguments, check=False)
    if code and not (attention and code == 1):
        raise SystemExit(code)

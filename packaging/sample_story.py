"""The whole job on the command line, for who has no display: look, plan, check, roll out, report, and pictures."""

from __future__ import annotations

import re
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
    _do(sample, "The mirrors are behind now:", "status", "--refresh", attention=True)
    wanted = ("rollout", "plan", "--environment", "live", "--filter", FILTER, *WAY)
    _announce("What a rollout to live would do:", *wanted)
    fingerprint, targets = read_plan(sample.say_and_read(*wanted))
    _picture(sample, "plan")
    start = ("rollout", "start", "--plan", fingerprint, "--why", f"the sample's release {version}", "--yes", targets)
    with sample.beside(_pictures(sample, "running")) as watching:
        _do(sample, "What the checks say, and the rollout:", *start, attention=True)
    if watching.returncode:
        say("The rollout was over before a picture of it was taken.")
    report = str(sample.place.home / "report.html")
    _do(sample, "Its report:", "rollout", "report", attention=True)
    _do(sample, "The whole of it:", "rollout", "report", "--html", report, attention=True)
    _do(sample, "What runs now:", "status", attention=True)
    _picture(sample, "pages")
    say(f"\nPictures of the windows are in {sample.place.pictures}:")
    say("\n".join(f"  {file.name}" for file in sorted(sample.place.pictures.iterdir())))
    say(f"The report is {report}. 'packaging/demo --stop' takes the sample away.")
    return 0


def read_plan(printed: str) -> tuple[str, str]:
    """What starts a plan, read as an operator does: its fingerprint and the number of targets. Raises SystemExit."""
    found = re.match(r"Plan (\S+) to .*\n(\d+) targets? on ", printed)
    if found is None:
        raise SystemExit("The plan has no target.")
    return found[1], found[2]


def _picture(sample: Sample, scene: str) -> None:
    sample.run(_pictures(sample, scene), quiet=True)


def _pictures(sample: Sample, scene: str) -> list[str]:
    return [sys.executable, "packaging/pictures.py", str(sample.place.pictures), scene]


def _announce(title: str, *arguments: str) -> None:
    say(f"\n{title}\n$ mirror-console {shlex.join(arguments)}")


def _do(sample: Sample, title: str, *arguments: str, attention: bool = False) -> None:
    """Run one command of the console; with `attention` its exit code 1, something needs a look, is no failure."""
    _announce(title, *arguments)
    code = sample.console(*arguments, check=False)
    if code and not (attention and code == 1):
        raise SystemExit(code)

"""Plays the sample's engines and registry until it is told to end: `simulate.py FOLDER`.

Orders come as the file FOLDER/order: deploy a version to the source's environments, or publish the next release and
deploy it to the source's live, as the agency's pipeline would. The answer is the file FOLDER/answer.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sample_base import NEXT_ON, SAMPLE, STARTED  # noqa: E402

from mirror_console.app import clock  # noqa: E402 - the checkout is put on the path first
from mirror_console.simulator.sample import SampleFleet, describe_sample, start_sample  # noqa: E402
from mirror_console.vault import MADE_UP  # noqa: E402


def main(folder: Path) -> int:
    """Run until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    description = describe_sample(yaml.safe_load(SAMPLE.read_text()))
    sockets = folder / "engines"
    with start_sample(sockets, clock, description, password=MADE_UP) as sample:
        started = folder / STARTED
        started.with_suffix(".new").write_text(json.dumps({"addresses": sample.addresses}))
        started.with_suffix(".new").rename(started)
        while not ended.wait(0.02):
            order = folder / "order"
            if order.exists():
                told = json.loads(order.read_text())
                order.unlink()
                answer = _obey(sample, told["verb"], told["version"])
                (folder / "answer.new").write_text(answer)
                (folder / "answer.new").rename(folder / "answer")
    return 0


def _obey(sample: SampleFleet, verb: str, version: str) -> str:
    if verb == "next":
        return sample.publish_next(NEXT_ON).version
    for environment in sample.description.sources[0].environments:
        engine = sample.fleet.engines[environment.engine]
        with engine.state.lock:
            there = environment.container in {container.name for container in engine.state.containers.values()}
        if there:
            engine.lose_container(environment.container)
        sample.deploy(environment, version)
    return version


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

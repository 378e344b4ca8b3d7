"""Measures benchmarks: ``python -m tests.benchmarks [NAME…] [--json] [--rounds N]``, called by tests/bench."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tests.benchmarks import (
    align_fleet,
    filter_rows,
    recreate_gap,
    refresh_beside_fault,
    refresh_fleet,
    refresh_one,
    relay_between,
    rollout_fleet,
    rollout_recreate,
    scale_fleet,
    ssh_warm,
    zero_downtime,
)
from tests.benchmarks.harness import Benchmark, NotMeasured, measure, table
from tests.lab.programs import LabError

BENCHMARKS = (
    refresh_one.BENCHMARK,
    refresh_beside_fault.BENCHMARK,
    refresh_fleet.BENCHMARK,
    rollout_recreate.BENCHMARK,
    rollout_fleet.BENCHMARK,
    recreate_gap.BENCHMARK,
    zero_downtime.BENCHMARK,
    ssh_warm.BENCHMARK,
    relay_between.BENCHMARK,
    filter_rows.BENCHMARK,
    align_fleet.BENCHMARK,
    scale_fleet.BENCHMARK,
)


def main(arguments: Sequence[str] | None = None, benchmarks: Sequence[Benchmark] = BENCHMARKS) -> int:
    """Returns the exit code: 0 where all goals hold, 1 where one doesn't or wasn't measured, 2 for an unknown name."""
    options = _parser().parse_args(arguments)
    known = {benchmark.name: benchmark for benchmark in benchmarks}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    chosen = [known[name] for name in dict.fromkeys(options.names)] or list(known.values())
    measured = []
    for benchmark in chosen:
        try:
            measured.append(measure(benchmark, options.rounds))
        except (LabError, NotMeasured) as failure:
            # The others count all the same.
            print(f"{benchmark.name} was not measured: {failure}", file=sys.stderr)
            continue
        if options.json:
            print(measured[-1].as_json(), flush=True)
    if measured and not options.json:
        print(table(measured))
        print(f"\nLoad of the machine now: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.")
    return 0 if len(measured) == len(chosen) and all(one.holds for one in measured) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/bench", description="Measures the console against the alternative.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to measure; all, unless named")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="how many rounds of each")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())

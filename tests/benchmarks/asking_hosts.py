"""A client that never stops asking: for each host behind a proxy it counts the requests that weren't answered well.

``python -m tests.benchmarks.asking_hosts ADDRESS PORT EACH HOST…`` asks the proxy EACH times a second for each host,
whether what was asked before was answered or not, until its standard input ends; then it prints a line of JSON. It is a
process of its own, so that it takes nothing from who is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

PATIENCE = 10.0
"""Seconds after which a request counts as failed."""


@dataclass(slots=True)
class Told:
    """What came of all requests in how many `seconds`; `slowest`, in seconds too, of those that were answered."""

    asked: int = 0
    failed: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    first: str = ""
    """What the first that failed met."""


async def main(address: str, port: int, each: float, hosts: list[str]) -> None:
    """Ask for all hosts until nobody wants it any more."""
    told, over = Told(), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    began = time.monotonic()
    print("asking", flush=True)
    async with asyncio.TaskGroup() as group:
        for number, host in enumerate(hosts):
            group.create_task(_keep_asking(group, told, over, (address, port), host, each, number / len(hosts)))
    told.seconds = time.monotonic() - began
    print(json.dumps(asdict(told)), flush=True)


async def _keep_asking(
    group: asyncio.TaskGroup,
    told: Told,
    over: asyncio.Event,
    at: tuple[str, int],
    host: str,
    each: float,
    offset: float,
) -> None:
    due = time.monotonic() + offset / each
    while not over.is_set():
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        group.create_task(_ask(told, at, host))
        due = max(due + 1 / each, time.monotonic())


async def _ask(told: Told, at: tuple[str, int], host: str) -> None:
    told.asked += 1
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*at)
            try:
                writer.write(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
        met = answer.partition(b"\r\n")[0].decode(errors="replace") or "nothing"
    except (OSError, TimeoutError) as error:
        met = str(error) or type(error).__name__
    if " 200 " in f"{met} ":
        told.slowest = max(told.slowest, time.monotonic() - began)
        return
    told.failed += 1
    told.first = told.first or f"{host}: {met}"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))

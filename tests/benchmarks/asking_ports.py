"""A client that never stops asking: for each port of a host it measures how long nothing answered.

``python -m tests.benchmarks.asking_ports HOST PORT…`` asks until its standard input ends, then prints a line of JSON:
by port, the seconds of the longest time between the beginning of the last request that was answered before a failure
and the first answer after it; 0 where none failed. It is a process of its own, so that it takes nothing from who is
measured.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

EVERY = 0.02
"""Seconds between two requests as long as it is answered."""
SOONER = 0.005
"""Seconds between two where it isn't."""


def main(host: str, ports: list[int]) -> None:
    """Ask all ports until nobody wants it any more."""
    over = threading.Event()
    with ThreadPoolExecutor(len(ports)) as pool:
        asking = {port: pool.submit(_longest_gap, host, port, over) for port in ports}
        print("asking", flush=True)
        sys.stdin.read()
        over.set()
        print(json.dumps({port: one.result() for port, one in asking.items()}), flush=True)


def _longest_gap(host: str, port: int, over: threading.Event) -> float:
    longest, answered, failed = 0.0, time.monotonic(), False
    while not over.is_set():
        began = time.monotonic()
        if _answers(host, port):
            if failed:
                longest = max(longest, time.monotonic() - answered)
            answered, failed = began, False
        else:
            failed = True
        over.wait(max(0.0, (SOONER if failed else EVERY) - (time.monotonic() - began)))
    return longest


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2.0) as line:
            line.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return line.recv(64).startswith(b"HTTP/1.0 200 ")
    except OSError:
        return False


if __name__ == "__main__":
    main(sys.argv[1], [int(port) for port in sys.argv[2:]])

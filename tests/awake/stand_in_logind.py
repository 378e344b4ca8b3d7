"""Stands in for logind on a bus of the test's own: gives inhibitors, and tells when nobody has one open any more.

A program of its own: `stand_in_logind.py BUS [allow|forbid|other]`. It says 'ready', 'held WHAT|WHO|WHY|MODE' and
'let go'.
"""

from __future__ import annotations

import os
import select
import sys

from jeepney import DBus, MessageType, new_error, new_method_return
from jeepney.io.blocking import DBusConnection, open_dbus_connection


def say(line: str) -> None:
    """A line for the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def answer(bus: DBusConnection, way: str) -> int | None:
    """Answer the next question on the bus; the end of the pipe whose other end was given away."""
    question = bus.receive(timeout=5)
    if question.header.message_type is not MessageType.method_call:
        return None
    if way == "forbid":
        bus.send(new_error(question, "org.freedesktop.DBus.Error.AccessDenied", "s", ("Permission denied",)))
        return None
    if way == "other":
        bus.send(new_method_return(question, "s", ("no pipe",)))
        return None
    ours, theirs = os.pipe()
    bus.send(new_method_return(question, "h", (theirs,)))
    os.close(theirs)
    say("held " + "|".join(question.body))
    return ours


def main(address: str, way: str) -> None:
    """Answer until it is ended."""
    with open_dbus_connection(address, enable_fds=True) as bus:
        bus.send_and_get_reply(DBus().RequestName("org.freedesktop.login1"), timeout=5)
        say("ready")
        held: set[int] = set()
        while True:
            ready, _, _ = select.select([bus.sock, *held], [], [])
            for one in held.intersection(ready):
                held.discard(one)
                os.close(one)
                say("let go")
            if bus.sock in ready and (ours := answer(bus, way)) is not None:
                held.add(ours)


main(*sys.argv[1:])

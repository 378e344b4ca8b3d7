"""Linux: logind's inhibitor, a pipe's end. As long as somebody has it open, logind lets the system fall asleep neither
by itself nor by a command.

It is asked over D-Bus, and not by starting systemd-inhibit: there is no process that could be left behind or would
inherit anything, and the kernel closes the pipe of a console that is killed. Closing a laptop's lid still counts.
"""

from __future__ import annotations

import functools
import os
import socket
import time

from mirror_console.awake.hold import WHO, WHY, NotHeld, Release

LONGEST = 3.0
"""Seconds until a system that doesn't answer counts as one that can't be asked: a rollout doesn't wait for it."""
NOBODY = "no logind answers here"
FORBIDDEN = "its logind doesn't allow it to this session"
_FORBIDDING = frozenset(
    {
        "org.freedesktop.DBus.Error.AccessDenied",
        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
    }
)


def hold() -> Release:
    """Ask logind for an inhibitor. Raises NotHeld."""
    try:
        import jeepney
    except ImportError as error:
        raise NotHeld("jeepney, by which logind is asked, isn't installed") from error
    try:
        return functools.partial(os.close, _inhibitor())
    except jeepney.DBusErrorResponse as error:
        raise NotHeld(FORBIDDEN if error.name in _FORBIDDING else NOBODY) from error
    except (OSError, RuntimeError, ValueError, AttributeError, StopIteration) as error:
        # No bus at this address, none that passes pipes on, or what answers there isn't logind.
        raise NotHeld(NOBODY) from error


def _inhibitor() -> int:
    """The pipe's end, which no program that is started inherits.

    Spoken without jeepney's own connection: that waits for a bus without end, and lets programs inherit what it gets.
    """
    from jeepney import DBusAddress, FileDescriptor, HeaderFields, Parser, message_bus, new_method_call
    from jeepney.bus import find_system_bus
    from jeepney.fds import fds_buf_size
    from jeepney.io.blocking import prep_socket
    from jeepney.wrappers import unwrap_msg

    logind = DBusAddress("/org/freedesktop/login1", "org.freedesktop.login1", "org.freedesktop.login1.Manager")
    question = new_method_call(logind, "Inhibit", "ssss", ("sleep:idle", WHO, WHY, "block"))
    until = time.monotonic() + LONGEST
    parser = Parser()
    with prep_socket(find_system_bus(), enable_fds=True, timeout=LONGEST) as bus:
        bus.settimeout(LONGEST)
        bus.sendall(message_bus.Hello().serialise(serial=1) + question.serialise(serial=2))
        while (left := until - time.monotonic()) > 0:
            bus.settimeout(left)
            octets, pipes, _, _ = bus.recvmsg(parser.bytes_desired(), fds_buf_size(), socket.MSG_CMSG_CLOEXEC)
            if not octets:
                raise ConnectionResetError("the bus closed the connection")
            parser.add_data(octets, fds=FileDescriptor.from_ancdata(pipes))
            while (answer := parser.get_next_message()) is not None:
                if answer.header.fields.get(HeaderFields.reply_serial) == 2:
                    (pipe,) = unwrap_msg(answer)
                    end: int = pipe.to_raw_fd()
                    return end
    raise TimeoutError("logind doesn't answer")

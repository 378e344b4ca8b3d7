"""Refusing: from a moment on the kernel refuses this process every write into a database, as a failing disk does."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_CALLS = {"x86_64": (0xC000003E, 18, 317), "aarch64": (0xC00000B7, 68, 277)}
"""By machine: what the kernel calls it, and its numbers of pwrite64, by which SQLite writes, and of seccomp."""
_NO_NEW_PRIVILEGES, _FILTER, _ALL_THREADS = 38, 1, 1
_LOAD, _IS_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def refuse_writes(number: int) -> None:
    """Let every write at a place of a file fail with this error from now on, in all threads. It can't be undone.

    What is written one after another, such as output and logs, still is. Raises OSError.
    """
    machine, write, seccomp = _CALLS[platform.machine()]
    steps = (
        (_LOAD, 0, 0, 4),
        (_IS_EQUAL, 0, 2, machine),
        (_LOAD, 0, 0, 0),
        (_IS_EQUAL, 1, 0, write),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | number),
    )
    filtering = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(filtering, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    refused = libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    refused = refused or libc.syscall(seccomp, _FILTER, _ALL_THREADS, ctypes.byref(program))
    if refused:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

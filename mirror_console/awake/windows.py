"""Windows: a power request, a handle that the system closes with the process.

SetThreadExecutionState would do with less, but counts for one thread, and a hold may be left on another one.
"""

from __future__ import annotations

import ctypes
import functools
import sys

from mirror_console.awake.hold import WHO, WHY, NotHeld, Release


class _Reason(ctypes.Structure):
    """REASON_CONTEXT with a simple string; the rest of its union is only as large as Windows has it."""

    _fields_ = (
        ("version", ctypes.c_ulong),
        ("flags", ctypes.c_ulong),
        ("words", ctypes.c_wchar_p),
        ("rest", ctypes.c_void_p * 3),
    )


def hold() -> Release:
    """Make and set a request. Raises NotHeld."""
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        kernel.PowerCreateRequest.argtypes = [ctypes.POINTER(_Reason)]
        kernel.PowerCreateRequest.restype = ctypes.c_void_p
        kernel.PowerSetRequest.argtypes = [ctypes.c_void_p, ctypes.c_int]
        kernel.CloseHandle.argtypes = [ctypes.c_void_p]
        # POWER_REQUEST_CONTEXT_VERSION 0, POWER_REQUEST_CONTEXT_SIMPLE_STRING 1. Source: winnt.h.
        handle = kernel.PowerCreateRequest(ctypes.byref(_Reason(0, 1, f"{WHO}: {WHY}")))
        if handle in {None, ctypes.c_void_p(-1).value}:
            raise NotHeld("Windows refuses it")
        release = functools.partial(kernel.CloseHandle, handle)
        # PowerRequestSystemRequired 1. Source: winnt.h.
        if kernel.PowerSetRequest(handle, 1):
            return release
        release()
    raise NotHeld("Windows refuses it")

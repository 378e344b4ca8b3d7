"""The command line: the same operations without a window, for scripts, servers and a quick look."""

from mirror_console.cli.commands import build
from mirror_console.cli.session import CliParts, ExitCode, OpenConsole

__all__ = ["CliParts", "ExitCode", "OpenConsole", "build"]

"""The program: parse the command line, then open the window or run a subcommand."""

from __future__ import annotations

from mirror_console import app, hardening
from mirror_console.cli import build


def main() -> None:
    """Run Mirror Console; ends the process with the exit code that its help tells."""
    hardening.harden()
    app.keep_log()
    build(app.cli_parts())()


if __name__ == "__main__":
    main()

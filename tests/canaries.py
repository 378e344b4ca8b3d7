"""Secrets that the tests give to the program, and a search for them in all that a whole run has left.

    python -m tests.canaries FOLDER     search everything below it, and what each process on the machine shows of itself

Exits 1 and names the places where one was found. A private key, of whichever test, counts as well: by its first line.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

VARIABLE = "canary-of-everything-41f7"
"""The value of an environment's variable."""
NEW_VARIABLE = "canary-of-the-new-value-8c02"
ROLLED_OUT = "canary-of-the-rollout-2d8e"
BY_HAND = "canary-set-by-hand-7d19"
"""What somebody else has put into a container in place of a secret."""
FROM_FILE = "canary-variable-93b1"
REGISTRY_PASSWORD = "canary-password-51c7"
SSH_PASSWORD = "ssh-canary-Vq7wzK2m"
SSH_PASSPHRASE = "canary-passphrase"
SHOWN = "canary-of-the-settings-page"

CANARIES = (
    VARIABLE,
    NEW_VARIABLE,
    ROLLED_OUT,
    BY_HAND,
    FROM_FILE,
    REGISTRY_PASSWORD,
    SSH_PASSWORD,
    SSH_PASSPHRASE,
    SHOWN,
)
_KEY = "PRIVATE KEY-----"
LAB = "lab-*"
"""The folder of a lab: its registry's users, its keyring, its engines' containers and keys hold secrets by right."""


def main(folder: Path) -> int:
    """Search, and say what was found."""
    found = [str(file) for file in left_in(folder)] + list(shown_by_processes(Path("/proc")))
    for place in found:
        print(f"A secret was left in {place}", file=sys.stderr)
    return 1 if found else 0


def left_in(folder: Path) -> Iterator[Path]:
    """Files below a folder that hold a secret, also in base64, but for what a test itself handed over.

    That is a file that holds nothing else: the secret alone, or one PEM text. The program is given such ones to read. A
    test that watches its every file looks for copies of them (tests/journeys/test_canaries.py).
    """
    patterns = "\n".join(_written(CANARIES)).encode()
    search = ["grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings", "--null"]
    search += ["--devices=skip", f"--exclude-dir={LAB}", "--file=-", "--", str(folder)]
    grep = subprocess.run(search, input=patterns, capture_output=True, check=False)
    if grep.returncode > 1:
        raise OSError(grep.stderr.decode("utf-8", "replace"))
    files = (Path(name.decode("utf-8", "surrogateescape")) for name in grep.stdout.split(b"\0") if name)
    return (file for file in files if not _handed_over(file.read_bytes()))


def shown_by_processes(proc: Path) -> Iterator[str]:
    """Processes whose command line or variables hold a secret."""
    secrets = [word.encode() for word in _written(CANARIES)]
    for process in sorted(proc.glob("[0-9]*")):
        for part in ("cmdline", "environ"):
            try:
                words = (process / part).read_bytes()
            except OSError:
                continue  # it has ended, or is another's
            if any(secret in words for secret in secrets):
                yield f"the {part} of process {process.name}"


def _handed_over(content: bytes) -> bool:
    text = content.strip()
    if any(text == secret.encode() for secret in CANARIES):
        return True
    return text.startswith(b"-----BEGIN ") and text.endswith(b"-----") and b"\0" not in text


def _written(secrets: Iterable[str]) -> set[str]:
    """As they may stand in a file: as they are, and in base64 at whichever place of a longer text they begin."""
    forms = {_KEY}
    for secret in secrets:
        forms.add(secret)
        for before in range(3):
            octets = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
            # The first and the last sign also tell of what stands beside it.
            forms.add(octets[4 if before else 0 : -1])
    return forms


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

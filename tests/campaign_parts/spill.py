"""Spill: where a secret stands that may stand nowhere: in a file, in what was said, in what an engine tells of labels.

It shares no code with the program, as the checker doesn't.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote


def spilt(secrets: Sequence[str], folders: Iterable[Path], texts: Mapping[str, str]) -> list[str]:
    """The files below these folders, and the names of those texts, in which one of the secrets stands."""
    forms = [form.encode() for secret in secrets for form in written(secret)]
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    found = [str(file) for file in files if _holds(file.read_bytes(), forms)]
    return found + [name for name, text in texts.items() if _holds(text.encode(), forms)]


def written(secret: str) -> set[str]:
    """How a secret may stand somewhere: as it is, in an address, and in base64 wherever in a longer text it begins."""
    forms = {secret, quote(secret, safe="")}
    for before in range(3):
        octets = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        # The first and the last sign also tell of what stands beside it.
        forms.add(octets[4 if before else 0 : -1])
    return forms


def of_key(pem: str) -> str:
    """A line of a private key that no other has."""
    lines = pem.strip().splitlines()
    return lines[len(lines) // 2]


def _holds(content: bytes, forms: Iterable[bytes]) -> bool:
    return any(form in content for form in forms)

"""Import texts: keys, certificates and secrets of an import, written in the file itself or in files that it names."""

from __future__ import annotations

from pathlib import Path

from mirror_console.domain.secret import Secret
from mirror_console.errors import InvalidInput
from mirror_console.operations.import_batch import Batch
from mirror_console.operations.import_fields import Fields, scalar
from mirror_console.operations.key_file import read_key_file
from mirror_console.operations.yaml_text import Node

LONGEST_SECRET = 64 * 1024


class Texts:
    """Reads them. `folder` is where the files lie that may be named; None: none may. Problems go into the batch."""

    def __init__(self, folder: Path | None, batch: Batch) -> None:
        self._folder = folder
        self._batch = batch

    def pem(self, fields: Fields, name: str) -> Secret:
        """A PEM text that is there or in a file; nothing where the field isn't there."""
        text = fields.text(name)
        if name not in fields or "-----BEGIN" in text:
            if text and name == "key":
                self._batch.notes.append(
                    f"The file holds the key of {fields.text('name') or fields.text('account')}: take it out of there."
                )
            return Secret(text)
        return self.file(fields, name)

    def secret(self, path: str, node: Node) -> Secret | None:
        """The value of a variable; None where the file has its name alone."""
        if node.is_nothing:
            return None
        text = scalar(node)
        if text is not None:
            self._batch.notes.append(f"The file holds the value of {path} in clear: take it out of there.")
            return Secret(text)
        fields = Fields(node, path, ("file",), self._batch.problems)
        return Secret(self.file(fields, "file").reveal().rstrip("\r\n"))

    def line(self, fields: Fields, name: str) -> Secret:
        """What stands in a file, without the line end; nothing where none is named."""
        return Secret(self.file(fields, name).reveal().rstrip("\r\n")) if name in fields else Secret("")

    def file(self, fields: Fields, name: str) -> Secret:
        """The text of a file that is named: it lies in the folder of the import file, or below."""
        named = fields.text(name, needed=True)
        if not named:
            return Secret("")
        if self._folder is None:
            fields.wrong(name, "files can't be named here: write the text itself, or import from a file")
            return Secret("")
        folder = self._folder.resolve()
        path = (folder / named).resolve()
        if not path.is_relative_to(folder):
            fields.wrong(name, f"'{named}' lies outside the folder of the file")
            return Secret("")
        try:
            return read_key_file(path, LONGEST_SECRET) if name == "key" else Secret(_read(path))
        except InvalidInput as error:
            fields.wrong(name, f"'{named}' can't be read: {error.problems[0].words}")
            return Secret("")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text, or a long one"
            fields.wrong(name, f"'{named}' can't be read: {why}")
            return Secret("")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        octets = file.read(LONGEST_SECRET + 1)
    if len(octets) > LONGEST_SECRET:
        raise ValueError(f"longer than {LONGEST_SECRET} bytes")
    return octets.decode()

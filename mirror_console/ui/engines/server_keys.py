"""Server keys: the question whether another key of an engine than the remembered one is right, and keeping it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from mirror_console.domain.engine import Engine
from mirror_console.domain.server_key import bare_digits
from mirror_console.operations.console import Console
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Phrase, Question
from mirror_console.ui.words import tr

_SHOWS_IT = "openssl x509 -pubkey -noout -in server-cert.pem | openssl pkey -pubin -outform DER | openssl sha256"
"""Prints the fingerprint of a certificate's key, as digits alone."""


def server_key_question(offered: str, remembered: str) -> Question:
    """Whether the key that an engine shows by TLS is its own, by the fingerprints of both.

    It is not accepted by a habit: its fingerprint is typed or pasted from where it was compared, also as openssl
    prints it.
    """
    text = tr(
        "Its certificate is signed by the right authority, and still somebody may stand between. Replace the key only"
        " where the engine got a new one, and by the fingerprint that its host tells, not by the one shown here."
    )
    return Question(
        tr("The engine's TLS key has changed"),
        f"{text}\n\n{tr('Remembered so far:')}\n{remembered}\n\n{tr('Offered now:')}\n{offered}",
        tr("Replace the key"),
        details=tr("On the engine's host, this shows it: {}").format(_SHOWS_IT),
        phrase=Phrase(
            offered,
            tr("Type or paste the new fingerprint (SHA256:…)"),
            tr("This is not the fingerprint of the key that the engine showed."),
            (bare_digits(offered),),
        ),
    )


def keep_key(
    context: UiContext, place: str, keep: Callable[[Console], Engine], then: Callable[[Engine], None], owner: QObject
) -> None:
    """Keep the key of `place` that a person compared, say so, and go on."""
    console = context.console

    def kept(engine: Engine) -> None:
        context.notices.done(tr("Accepted the key of {}.").format(place), key="saved")
        then(engine)

    context.run(tr("Accept the key of {}").format(place), lambda _work: keep(console), kept, owner=owner)

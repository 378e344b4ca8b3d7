"""What is open to one engine, and what was learned of it for good."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.validity import Validity
from mirror_console.engine import replies, translate
from mirror_console.engine.client import EngineClient
from mirror_console.engine.ssh import SshWay
from mirror_console.engine.transport import ServerKey


class Link:
    """What is open to one engine: a client for calls, one for replies that last, and what was learned for good."""

    def __init__(self, calls: EngineClient, streams: EngineClient, by_ssh: SshWay | None = None) -> None:
        self.calls = calls
        self.streams = streams
        self.by_ssh = by_ssh
        if by_ssh is not None:
            # Its threads keep it alive, so nothing else would ever close it.
            weakref.finalize(self, by_ssh.close)
        self.hear_out: Callable[[], None] = lambda: None
        """Raises EngineError where the engine, when it is only listened to, says why it breaks off."""
        self.seen: ServerKey | None = None
        """By TLS: the key that the server was seen to have."""
        self.certificate: Validity | None = None
        """By TLS: the life of the client certificate."""
        self.api = ""
        self.kind = EngineKind.DOCKER
        self.image_configs: dict[str, replies.ImageConfig] = {}
        """What images give to containers, by id: ids never change their meaning on one engine."""
        self.told: translate.Told = {}
        """The last listing."""

    @property
    def server_key(self) -> str:
        """The fingerprint of the key that the server was seen to have by TLS."""
        return self.seen.fingerprint if self.seen is not None else ""

    def speak(self, api: str) -> None:
        """Use this API version from now on."""
        self.api = api
        self.calls.speak(api)
        self.streams.speak(api)

    def close(self) -> None:
        """Close all connections. What is in flight ends by itself."""
        self.calls.close()
        self.streams.close()

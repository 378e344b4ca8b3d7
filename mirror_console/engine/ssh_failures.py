"""What goes wrong on the way by SSH, in our words: from the first packet to the socket on the engine's host."""

from __future__ import annotations

import re
import socket

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from mirror_console.domain.plain import clean
from mirror_console.domain.ssh import Hop, SshError, Stage
from mirror_console.errors import EngineError, FailureKind

_LONGEST_COMPLAINT = 400


class RemoteEnded(ConnectionError):
    """The command on the engine's host ended before it said a thing. `status` is -1 where it wasn't told."""

    def __init__(self, status: int, complaint: str) -> None:
        super().__init__(status, complaint)
        self.status = status
        self.complaint = clean(complaint, _LONGEST_COMPLAINT)

    @property
    def no_command(self) -> bool:
        """Whether there is no docker command there that could do it."""
        if self.status == 127 or re.search("command not found|not a docker command", self.complaint):
            return True
        return self.status == 126


def of_remote(engine: str, cause: BaseException) -> EngineError | None:
    """What the docker command on the host complained of."""
    if not isinstance(cause, RemoteEnded):
        return None
    said = cause.complaint
    if cause.no_command:
        title = f"There is no docker command on the host of {engine}."
        hint = "Install Docker's command line there, or let the socket itself be used in the engine's settings."
        return SshError(Stage.SOCKET, FailureKind.NOT_DOCKER, title, hint, detail=said)
    if re.search("permission denied", said, re.IGNORECASE):
        return no_permission(engine, said)
    if re.search("cannot connect to the docker daemon|no such file|connection refused", said, re.IGNORECASE):
        return no_socket(engine, "", said)
    title = f"The docker command on the host of {engine} ended before it answered."
    hint = (
        "Look at the host: a forced command, a shell that asks something, or Docker's own settings may be in the way."
    )
    return SshError(Stage.SOCKET, FailureKind.DROPPED, title, hint, detail=said)


def no_permission(engine: str, detail: str = "") -> SshError:
    """Signed in, but not allowed to use Docker."""
    title = f"This user may not open Docker's socket on the host of {engine}."
    hint = "Add the user to the group that owns the socket there, usually 'docker', and try again."
    return SshError(Stage.SOCKET, FailureKind.PERMISSION, title, hint, detail=detail)


def no_socket(engine: str, path: str, detail: str = "") -> SshError:
    """Signed in, but nothing listens."""
    where = f" at {path}" if path else ""
    title = f"Nothing listens at Docker's socket{where} on the host of {engine}."
    hint = "Check that Docker runs there, and the path of its socket."
    return SshError(Stage.SOCKET, FailureKind.REFUSED, title, hint, detail=detail)


def socket_refused(engine: str, path: str) -> SshError:
    """Signed in, but the socket can't be opened, and the host doesn't say why."""
    title = f"The socket {path} on the host of {engine} can't be opened."
    hint = "Check that Docker runs there, that this user may open its socket (group 'docker'), and that the SSH server "
    hint += "allows channels to sockets (AllowStreamLocalForwarding)."
    return SshError(Stage.SOCKET, FailureKind.REFUSED, title, hint)


def neither(engine: str, straight: SshError) -> SshError:
    """There is no docker command, and the socket itself couldn't be used in its place."""
    title = f"There is no docker command on the host of {engine}, so its socket itself was tried. {straight.title}"
    return SshError(Stage.SOCKET, straight.kind, title, straight.hint, detail=straight.detail)


def no_forwarding(engine: str, what: str) -> SshError:
    """The server has a rule against channels of that kind."""
    title = f"The SSH server of {engine} doesn't allow to reach {what} through it."
    hint = "Allow forwarding to this user in its settings (AllowStreamLocalForwarding, AllowTcpForwarding)."
    return SshError(Stage.SOCKET, FailureKind.PERMISSION, title, hint)


def too_many(engine: str) -> SshError:
    """The server opens no more channels."""
    title = f"The SSH server of {engine} allows no more sessions over one connection."
    return SshError(
        Stage.SOCKET,
        FailureKind.TOO_MANY,
        title,
        "Raise MaxSessions in its settings, or use the socket itself in the engine's settings.",
    )


def unreached(engine: str, stop: Hop, error: BaseException) -> SshError:
    """The error for a server that didn't come as far as showing its key."""
    kind, title, hint = _unreached(engine, stop.place, error)
    return SshError(Stage.HOST_KEY, kind, title, hint, detail=clean(str(error)))


def _unreached(engine: str, place: str, error: BaseException) -> tuple[FailureKind, str, str]:
    network = "Check the network and the VPN."
    match error:
        case socket.gaierror():
            return FailureKind.DNS, f"The host of {place} for {engine} is not known.", f"Check the address. {network}"
        case TimeoutError():
            title = f"The SSH server {place} of {engine} did not answer in time."
            return (
                FailureKind.TIMEOUT,
                title,
                f"{network} Give it more time in the engine's settings if it is far away.",
            )
        case ConnectionRefusedError():
            title = f"Nothing accepts SSH connections at {place} for {engine}."
            return FailureKind.REFUSED, title, "Check the port, and that an SSH server runs there."
        case IncompatiblePeer():
            title = f"The SSH server {place} of {engine} knows no method that is still safe."
            return FailureKind.TOO_OLD, title, "Bring it to OpenSSH 7.2 or newer."
        case paramiko.ChannelException():
            title = f"The jump host could not reach {place} for {engine}."
            return FailureKind.REFUSED, title, "Check the address, and that the jump host allows TCP forwarding."
        case paramiko.SSHException() if "banner" in str(error) or "Banner" in str(error):
            title = f"What answers at {place} for {engine} is no SSH server, or it turns connections away."
            hint = "Check the port. A server that gets many connections at once drops some: try again."
            return FailureKind.DROPPED, title, hint
        case _:
            title = f"The connection to the SSH server {place} of {engine} broke off before it showed its key."
            return FailureKind.DROPPED, title, f"{network} Then try again."


def not_signed_in(
    engine: str, user: str, what: str, stop: Hop, error: BaseException | None, *, sent_away: bool = False
) -> SshError:
    """The error for a sign-in that wasn't taken. `what` is what was offered: a key, a password.

    `sent_away`: the server has said that it ends the connection. Otherwise one that ended may just have been lost.
    """
    detail = clean(str(error)) if error else ""
    at = f"The SSH server {stop.place} of {engine}"
    if isinstance(error, TimeoutError) or "timeout" in detail.lower():
        title, hint = f"{at} did not answer the sign-in in time.", "Look at the load of the server, then try again."
        return SshError(Stage.SIGN_IN, FailureKind.TIMEOUT, title, hint, detail=detail)
    if isinstance(error, paramiko.BadAuthenticationType):
        allowed = ", ".join(clean(kind, 40) for kind in error.allowed_types)
        title = f"{at} doesn't take {what} of '{user}'; it takes: {allowed}."
        hint = "Choose another way to sign in, or allow this one in the server's settings."
    elif error is None:
        title = f"{at} took {what} of '{user}' and asks for something else beside it."
        hint = "A second factor can't be given here: let this user in with one."
    elif sent_away:
        title = f"{at} closed the connection while '{user}' signed in."
        hint = "Too many keys may have been offered (MaxAuthTries), or the user may not sign in there."
    elif not isinstance(error, paramiko.AuthenticationException) or "transport shut down" in detail:
        title = f"The connection to the SSH server {stop.place} of {engine} broke off while '{user}' signed in."
        hint = "Check the network and the VPN. Then try again."
        return SshError(Stage.SIGN_IN, FailureKind.DROPPED, title, hint, detail=detail)
    else:
        title = f"{at} refused {what} of '{user}'."
        hint = f"Check the user's name, and that {what} is one that the server knows for this user."
    return SshError(Stage.SIGN_IN, FailureKind.SIGN_IN, title, hint, detail=detail)


def no_key_at_hand(engine: str) -> SshError:
    """The person's own settings offer nothing to sign in with."""
    return SshError(
        Stage.SIGN_IN,
        FailureKind.NO_CREDENTIAL,
        f"There is no key to sign in to {engine} with: the agent holds none, and none in ~/.ssh is without passphrase.",
        "Add one to the agent (ssh-add), or give a key in the engine's settings.",
    )

"""Node checks: whether the nodes of a Swarm can run what a service is given. Which of them does, its Swarm says."""

from __future__ import annotations

from collections.abc import Sequence

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.counting import counted
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.sizes import size_text
from mirror_console.domain.swarm import SwarmNode
from mirror_console.errors import EngineError
from mirror_console.operations.container_checks import Said
from mirror_console.operations.permission import REFUSED
from mirror_console.operations.ports.engine import EngineSession

LESS = "Give it less on the mirror's form, or have its stack place it elsewhere."


def nodes_of(session: EngineSession) -> tuple[SwarmNode, ...]:
    """The nodes that are there and given tasks; none where a manager doesn't tell. Raises EngineError where it is lost.

    What stands before a manager may not let this one question through: then its own platform is all that is known.
    """
    try:
        return tuple(node for node in session.swarm_nodes() if node.takes_tasks)
    except EngineError as error:
        if error.unreachable and error.kind not in REFUSED:
            raise
        return ()


def platform(nodes: Sequence[SwarmNode], platforms: Sequence[str]) -> tuple[Check, Answer, str, str]:
    """Whether an image that is there for some platforms runs on each node."""
    unfit = [node for node in nodes if node.platform and not _is_for(platforms, node.platform)]
    if not unfit:
        kinds = ", ".join(dict.fromkeys(node.platform for node in nodes if node.platform))
        return Check.PLATFORM, Answer.PASS, f"The image is there for {kinds}, as its nodes are.", ""
    told = f"The image is for {', '.join(platforms)}; {_named(unfit, nodes)} {unfit[0].platform}."
    remedy = "Publish the release for this platform too."
    if len(unfit) == len(nodes):
        return Check.PLATFORM, Answer.BLOCKED, told, remedy
    words = f"{told} A task that comes there fails."
    return Check.PLATFORM, Answer.WARNING, words, f"{remedy} Or see that its stack's placement keeps tasks from there."


def of_manager_alone(answered: tuple[Check, Answer, str, str], nodes: int) -> tuple[Check, Answer, str, str]:
    """What is known where a manager of so many nodes doesn't tell what these are: of itself alone."""
    check, answer, words, remedy = answered
    if nodes < 2 or answer is not Answer.PASS:
        return answered
    more = "What the other nodes of its Swarm are isn't told."
    return check, Answer.UNKNOWN, f"{words} {more}", remedy or "Let GET /nodes through to its manager: 'endpoints.txt'."


def capacity(target: PlannedTarget, nodes: Sequence[SwarmNode]) -> Said:
    """Whether each node has what a task is granted at most."""
    limits = target.settings.limits
    few = [node for node in nodes if node.cpus and limits.cpus > node.cpus]
    if few:
        cores = max(node.cpus for node in few)
        words = f"It is granted {limits.cpus:g} cores, and {_named(few, nodes, 'has', 'have')} {cores:g} at most"
        answer = Answer.BLOCKED if len(few) == len(nodes) else Answer.WARNING
        return answer, f"{words}: an engine refuses a task that is granted more.", LESS
    small = [node for node in nodes if node.memory and limits.memory > node.memory]
    if small:
        most = size_text(max(node.memory for node in small))
        words = f"It is granted {size_text(limits.memory)} of memory, and {_named(small, nodes, 'has', 'have')}"
        return Answer.WARNING, f"{words} {most} at most.", LESS
    return Answer.PASS, "What each task is granted at most, each node has.", ""


def _is_for(platforms: Sequence[str], wanted: str) -> bool:
    return any(one == wanted or one.startswith(wanted + "/") for one in platforms)


def _named(some: Sequence[SwarmNode], nodes: Sequence[SwarmNode], is_: str = "is", are: str = "are") -> str:
    names = ", ".join(node.name for node in some[:3]) + (" and more" if len(some) > 3 else "")
    verb = is_ if len(some) == 1 else are
    return f"of {counted(len(nodes), 'node')} {len(some)} ({names}) {verb}" if len(nodes) > 1 else f"{names} {verb}"

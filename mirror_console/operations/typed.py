"""Typed: the texts of forms and files turned into values of the domain, and values turned back into texts."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from mirror_console.domain.environment import Port, Volume
from mirror_console.domain.way import REST, WaveSize
from mirror_console.errors import InvalidInput, Problem

T = TypeVar("T")

# Docker's own single letters count in 1024; SI's MB and GB count in 1000.
_UNITS = {
    "": 1,
    "b": 1,
    "k": 1024,
    "kib": 1024,
    "kb": 1000,
    "m": 1024**2,
    "mib": 1024**2,
    "mb": 1000**2,
    "g": 1024**3,
    "gib": 1024**3,
    "gb": 1000**3,
}
_SPANS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PORT = re.compile(
    r"(?:(?:(?P<address>\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(?P<host>\d{1,5}):)?(?P<container>\d{1,5})(?:/(?P<protocol>\w+))?"
)
_VOLUME = re.compile(r"(?P<source>[^:,]+):(?P<target>/[^:,]*)(?::(?P<mode>ro|rw))?")


def parsed(problems: list[Problem], field: str, parse: Callable[[str], T], text: str, otherwise: T) -> T:
    """What `parse` makes of a text; where it raises ValueError its words become a problem of the field."""
    try:
        return parse(text)
    except ValueError as error:
        problems.append(Problem(field, str(error)))
        return otherwise


def without_echoes(found: Iterable[Problem], said: Iterable[Problem], at: str) -> list[Problem]:
    """What is wrong with the settings at `at`, without what may only follow from what couldn't be read of them.

    Where a port can't be read, that the one of the health test isn't among them says nothing.
    """
    ports = f"{at}.ports"
    unread = any(problem.field == ports or problem.field.startswith(f"{ports}[") for problem in said)
    return [problem for problem in found if not (unread and problem.field == f"{at}.health.port")]


def parse_list(text: str) -> tuple[str, ...]:
    """Words between commas, without those that are empty or come twice."""
    return tuple(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))


def parse_ports(text: str) -> tuple[Port, ...]:
    """Ports such as ``18080:8080, 127.0.0.1:1080:80/udp, 9000``; the last lets the engine choose. Raises ValueError."""
    return tuple(parse_port(part) for part in parse_list(text))


def parse_port(text: str) -> Port:
    """One port: ``[address:]host:container[/protocol]``. Raises ValueError."""
    match = _PORT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text.strip()}' is not a port: write host:container, such as 18080:8080")
    address = (match["address"] or "").strip("[]")
    if address:
        check_address(address)
    default = Port(0, 0)
    return Port(
        container=int(match["container"]),
        host=int(match["host"] or 0),
        address=address or default.address,
        protocol=(match["protocol"] or default.protocol).lower(),
    )


def parse_port_number(text: str) -> int:
    """The number of a port, where one is given; nothing is 0. Raises ValueError."""
    number = parse_whole(text)
    if number > 65535:
        raise ValueError(f"{text.strip()} is out of range 1 to 65535")
    return number


def check_address(text: str) -> str:
    """An address of the engine's host that a port is published at. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"'{text}' is not an IP address") from None


def port_text(port: Port) -> str:
    """A port as it is typed."""
    text = f"{port.host}:{port.container}" if port.host else str(port.container)
    if port.address != Port(0, 0).address and port.host:
        address = f"[{port.address}]" if ":" in port.address else port.address
        text = f"{address}:{text}"
    return text if port.protocol == "tcp" else f"{text}/{port.protocol}"


def parse_volumes(text: str) -> tuple[Volume, ...]:
    """Volumes such as ``shop-media:/media, /srv/static:/static:ro``. Raises ValueError."""
    return tuple(parse_volume(part) for part in parse_list(text))


def parse_volume(text: str) -> Volume:
    """One volume: ``source:target[:ro]``. Raises ValueError."""
    match = _VOLUME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text.strip()}' is not a volume: write name:/path, with :ro at the end for reading only")
    check_volume_source(match["source"].strip())
    return Volume(match["source"].strip(), match["target"], match["mode"] == "ro")


def check_volume_source(text: str) -> str:
    """A volume's name, or an absolute path on the engine's host. Raises ValueError."""
    if not text.startswith("/") and not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", text):
        raise ValueError(f"'{text}' is neither the name of a volume nor an absolute path on the engine's host")
    return text


def volume_text(volume: Volume) -> str:
    """A volume as it is typed."""
    return f"{volume.source}:{volume.target}{':ro' if volume.read_only else ''}"


def parse_bytes(text: str) -> int:
    """A size such as ``256 MiB``, ``1.5g`` or ``67108864``; nothing is 0. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)", text.strip().lower())
    if not text.strip():
        return 0
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"'{text.strip()}' is not a size: write 256 MiB or 1 GiB")
    return round(float(match[1]) * _UNITS[match[2]])


def bytes_text(size: int) -> str:
    """A size as it is typed, in the largest unit that is exact; nothing for 0."""
    if not size:
        return ""
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size % factor == 0:
            return f"{size // factor} {unit}"
    return str(size)


def parse_whole(text: str) -> int:
    """A whole number from 0 on; nothing is 0. Raises ValueError."""
    if not text.strip():
        return 0
    if not re.fullmatch(r"\d{1,12}", text.strip()):
        raise ValueError(f"'{text.strip()}' is not a whole number")
    return int(text)


def parse_number(text: str) -> float:
    """A number from 0 on, such as ``0.5``; nothing is 0. Raises ValueError."""
    if not text.strip():
        return 0.0
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()):
        raise ValueError(f"'{text.strip()}' is not a number: write 0.5")
    return float(text)


def parse_seconds(text: str) -> float:
    """Seconds from 0 on, such as ``60`` or ``2.5``; nothing is 0. Raises ValueError."""
    try:
        return parse_number(text)
    except ValueError:
        raise ValueError(f"'{text.strip()}' is not a number of seconds: write 60 or 2.5") from None


def number_text(number: float) -> str:
    """A number as it is typed; nothing for 0."""
    return f"{number:g}" if number else ""


def parse_span(text: str) -> int:
    """A span in seconds, such as ``15 min``, ``90 s``, ``6 h``, ``1 d`` or ``900``. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,7})\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in _SPANS:
        raise ValueError(f"'{text.strip()}' is not a span of time: write 15 min or 6 h")
    return int(match[1]) * _SPANS[match[2]]


def span_text(seconds: int) -> str:
    """A span as it is typed, in the largest unit that is exact."""
    for unit, factor in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % factor == 0:
            return f"{seconds // factor} {unit}"
    return f"{seconds} s"


def parse_answers(text: str) -> tuple[int, int]:
    """Status codes that count as well: ``200-399``, or a single one. Raises ValueError."""
    match = re.fullmatch(r"(\d{3})(?:\s*-\s*(\d{3}))?", text.strip())
    if match is None:
        raise ValueError(f"'{text.strip()}' are no status codes: write 200-399 or 200")
    return int(match[1]), int(match[2] or match[1])


def answers_text(first: int, last: int) -> str:
    """Status codes as they are typed."""
    return str(first) if first == last else f"{first}-{last}"


def parse_command(text: str) -> tuple[str, ...]:
    """A command and its arguments, quoted as in a shell; no shell ever runs it. Raises ValueError."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise ValueError("a quotation mark is missing") from None


def parse_signal(text: str) -> str:
    """A stop signal, such as SIGTERM or 15. Raises ValueError."""
    signal = text.strip().upper()
    if signal and not re.fullmatch(r"(SIG)?[A-Z][A-Z0-9]*([+-]\d{1,2})?|\d{1,2}", signal):
        raise ValueError(f"'{text.strip()}' is not a signal: write SIGTERM or SIGQUIT")
    return signal


def parse_variables(text: str) -> dict[str, str]:
    """Variables, one ``NAME=value`` a line; empty lines don't count.

    Raises InvalidInput with every line that isn't one.
    """
    return _lines(text, "variables")


def parse_labels(text: str) -> dict[str, str]:
    """Labels, one ``name=value`` a line; as `parse_variables`."""
    return _lines(text, "labels")


def _lines(text: str, of: str) -> dict[str, str]:
    found: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        name, sign, value = line.partition("=")
        if not line.strip():
            continue
        if not sign or not name.strip():
            problems.append(Problem(of, f"line {number} is not NAME=value"))
        elif name.strip() in found:
            problems.append(Problem(of, f"{name.strip()} comes twice (line {number})"))
        else:
            found[name.strip()] = value
    if problems:
        raise InvalidInput(f"The {of} can't be read.", problems)
    return found


def variables_text(variables: Mapping[str, str]) -> str:
    """Variables as they are typed, in the order of their names."""
    return "\n".join(f"{name}={value}" for name, value in sorted(variables.items()))


def parse_waves(text: str) -> tuple[WaveSize, ...]:
    """Sizes of waves such as ``1, 5%, 25%, rest``; the rest comes last by itself. Raises ValueError."""
    sizes = []
    for part in text.split(","):
        word = part.strip().lower()
        if word in {"rest", ""}:
            sizes.append(REST)
        elif re.fullmatch(r"[0-9]{1,6}", word) and int(word):
            sizes.append(WaveSize(count=int(word)))
        elif re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?\s*%", word) and 0 < float(word.rstrip("% ")) <= 100:
            sizes.append(WaveSize(percent=float(word.rstrip("% "))))
        else:
            raise ValueError(f"'{part.strip()}' is not the size of a wave: a count, a share such as 5%, or rest")
    if REST in sizes[:-1]:
        raise ValueError("'rest' is the last wave: nothing can come after it")
    return tuple(sizes) if sizes[-1] == REST else (*sizes, REST)


def listed(words: Iterable[str]) -> str:
    """Words as they are typed, between commas."""
    return ", ".join(words)

"""Refuses every name look-up and every internet connection of this Python, however it is tried.

An audit hook sits below the ``socket`` module: replacing a function, or a library with its own way in, does not get
around it. It cannot be taken off again. Sockets between processes of this machine (``AF_UNIX``) stay allowed.
"""

from __future__ import annotations

import sys

__all__ = ["NetworkRefused", "install", "refused"]

refused: list[str] = []
"""The name of each event that was refused, in order."""

_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_installed: list[bool] = []


class NetworkRefused(Exception):  # it says what happened, as the errors of the program do
    """Something reached for the network."""


def install() -> None:
    """Refuse from now on. Asking twice does nothing more."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_look_at)


def _look_at(event: str, arguments: tuple[object, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in _LOOK_UPS or (event in _CONNECTIONS and _is_internet(arguments[0])):
        refused.append(event)
        raise NetworkRefused(event)


def _is_internet(socket: object) -> bool:
    return getattr(getattr(socket, "family", None), "name", "") in {"AF_INET", "AF_INET6"}

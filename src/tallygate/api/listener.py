"""The socket the gateway answers on, opened before anything else: a start that cannot listen must change nothing."""

import socket

from tallygate.api.settings import ServerSettings

UNSENT_BYTES_MAX = 128 * 1024
"""What the system holds of an answer beyond what is on its way already."""


class CannotListen(Exception):
    """The address cannot be listened on, for a reason the operator can mend. The text is ready to be read."""


def listen(settings: ServerSettings) -> socket.socket:
    """The socket the gateway answers on; port 0 lets the system choose. Raises CannotListen."""
    host, port = settings.host, settings.port
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        raise CannotListen(
            f"The host {host} is not an address of this machine. Give another one with --host."
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # Connections inherit it. Otherwise the system takes megabytes for a client that reads nothing, and they
            # would count as delivered.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
        listener.bind(where)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = error.strerror or "it cannot be used"
        raise CannotListen(
            f"Cannot listen on {host}, port {port}: {reason.lower()}. Choose another one with --port."
        ) from None
    return listener


def shown_host(host: str) -> str:
    """A host as it stands in a URL that somebody on this machine pastes."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host

"""What went wrong between us and a provider, in words for a person.

The errors of sockets and of TLS name hosts and addresses; none of that may reach a caller, so each is turned into a
sentence of ours here and left behind.
"""

import socket
import ssl

from tallygate.errors import (
    InvalidAnswer,
    ProviderNotConnected,
    ProviderTimeout,
    ProviderUnreachable,
    StreamBroken,
    TallygateError,
)


def explain_connecting(error: OSError) -> TallygateError:
    """The error for a connection that could not be made."""
    match error:
        case TimeoutError():
            return ProviderTimeout("No connection to the provider could be made in time.")
        case socket.gaierror():
            return ProviderNotConnected("The provider's name could not be looked up.")
        case ssl.SSLCertVerificationError():
            return ProviderUnreachable("The provider's certificate is not valid for its name, or not trusted here.")
        case ssl.SSLError():
            return ProviderUnreachable("No secure connection to the provider could be agreed on.")
        case ConnectionRefusedError():
            return ProviderNotConnected("The provider refused the connection; is it running?")
        case _:
            return ProviderNotConnected("The provider could not be reached over the network.")


def no_head_in_time() -> TallygateError:
    """The error for a provider that is silent, or does not take the request."""
    return ProviderTimeout("The provider did not begin to answer in time.")


def no_head() -> TallygateError:
    """The error for a connection that ended before the head of an answer was complete."""
    return ProviderUnreachable("The provider closed the connection without an answer.")


def fell_silent() -> TallygateError:
    """The error for a body that stopped coming, or takes too long as a whole."""
    return ProviderTimeout("The provider fell silent in the middle of its answer.")


def compressed() -> TallygateError:
    """The error for a body that would have to be unfolded."""
    return InvalidAnswer("The provider sent its answer compressed although that was not asked for.")


def closed_early() -> TallygateError:
    """The error for whoever goes on reading what was closed on this side."""
    return StreamBroken("The answer was closed before its end.")

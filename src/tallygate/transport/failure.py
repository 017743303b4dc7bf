"""What went wrong between us and a provider, in words for a person.

The HTTP client's own errors name hosts, addresses and itself; none of that may reach a caller, so each is turned into a
sentence of ours here and left behind.
"""

import ssl

import aiohttp
from aiohttp.http import HttpProcessingError

from tallygate.errors import InvalidAnswer, ProviderTimeout, ProviderUnreachable, StreamBroken, TallygateError

FAILURES = (aiohttp.ClientError, TimeoutError, OSError, HttpProcessingError)
"""Everything the HTTP client raises for what a provider or the network does."""


def explain_head(error: Exception) -> TallygateError:
    """The error for an exchange that failed before the answer's head was there."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return ProviderTimeout("No connection to the provider could be made in time.")
        case TimeoutError():
            return ProviderTimeout("The provider did not begin to answer in time.")
        case aiohttp.ClientConnectorDNSError():
            return ProviderUnreachable("The provider's name could not be looked up.")
        case aiohttp.ClientConnectorCertificateError():
            return ProviderUnreachable("The provider's certificate is not valid for its name, or not trusted here.")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return ProviderUnreachable("No secure connection to the provider could be agreed on.")
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return ProviderUnreachable("The provider refused the connection; is it running?")
        case aiohttp.ClientConnectorError():
            return ProviderUnreachable("The provider could not be reached over the network.")
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return InvalidAnswer("The provider's answer is not valid HTTP.")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return ProviderUnreachable("The provider's address is not one that can be called.")
        case _:
            return ProviderUnreachable("The provider closed the connection without an answer.")


def explain_body(error: Exception) -> TallygateError:
    """The error for an answer that stopped before its end."""
    if isinstance(error, TimeoutError):
        return ProviderTimeout("The provider fell silent in the middle of its answer.")
    return StreamBroken()

"""The provider's errors: it could not serve the call."""

from tallygate.errors.tree import TallygateError


class UpstreamError(TallygateError):
    """The provider could not serve the call."""

    status = 502
    code = "provider_error"


class ProviderFailed(UpstreamError):
    """The provider answered with an error."""


class ProviderUnreachable(UpstreamError):
    """The provider could not be reached."""

    code = "provider_unreachable"


class ProviderNotConnected(ProviderUnreachable):
    """The provider could not be reached, and nothing was sent to it."""


class ProviderRefusedUs(UpstreamError):
    """The provider refused this gateway's own credentials or account."""

    code = "provider_refused_gateway"
    retry = False


class ProviderForbidsUs(ProviderRefusedUs):
    """The provider does not let this gateway's account do this, where other requests may be allowed."""


class InvalidAnswer(UpstreamError):
    """The provider's answer could not be understood."""

    code = "invalid_provider_answer"


class StreamBroken(UpstreamError):
    """The provider's stream broke off before its end."""

    code = "stream_broken"


class ProviderOverloaded(UpstreamError):
    """The provider is overloaded or limits this gateway's rate."""

    status = 503
    code = "overloaded"


class NoTarget(UpstreamError):
    """No provider can serve this model now."""

    status = 503
    code = "no_endpoints"


class ProviderTimeout(UpstreamError):
    """The provider did not answer in time."""

    status = 504
    code = "timeout"

"""Where figures and traces are sent. Nowhere, unless somebody names a place."""

from typing import Annotated

from msgspec import Meta, Struct


class TelemetrySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `telemetry`."""

    # Empty: what the variable OTEL_EXPORTER_OTLP_ENDPOINT says, else nothing is sent.
    otlp_endpoint: Annotated[
        str, Meta(pattern=r"^(?:\Z|https?://[^/])", description="a URL that begins with http:// or https://")
    ] = ""

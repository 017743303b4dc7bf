"""Every setting of the gateway in one struct: a few at the top, the rest in the sections their rooms declare.

Only what no single room owns stands here. Each field has a heading in docs/reference/settings.md.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.access.settings import KeysSettings, LimitsSettings
from tallygate.api.settings import ServerSettings
from tallygate.dashboard.settings import DashboardSettings
from tallygate.genai.secret import Secret
from tallygate.media.settings import IdempotencySettings
from tallygate.providers.settings import ProviderSettings
from tallygate.receipts.settings import ReceiptsSettings
from tallygate.router.settings import ModelSettings, RouterSettings
from tallygate.store.settings import StoreSettings
from tallygate.telemetry.settings import TelemetrySettings
from tallygate.transport.settings import FetchSettings, TransportSettings


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The resolved configuration. `data` is absolute; `database_url` and `media_url` are never empty once they went
    through `resolve`.
    """

    data: Path = Path("~/.local/share/tallygate")
    # Empty: SQLite in the data folder.
    database_url: Annotated[
        str,
        Meta(pattern=r"^(?:\Z|sqlite://|postgres)", description="a URL that begins with sqlite:/// or postgresql://"),
    ] = ""
    # Empty: taken from each request.
    public_url: Annotated[
        str, Meta(pattern=r"^(?:\Z|https?://[^/])", description="a URL that begins with http:// or https://")
    ] = ""
    # Empty: a folder in the data folder.
    media_url: Annotated[
        str,
        Meta(
            pattern=r"^(?:\Z|file://(?:localhost)?/(?!.*%00)[^?#\x00]*\Z)",
            description="the URL of a folder that begins with file:/// (no other kind of store is known here)",
        ),
    ] = ""
    # None: made at the first start and kept in the data folder.
    admin_key: Secret | None = None
    opening_credit_usd: Annotated[
        str, Meta(pattern=r"^\d{1,6}(\.\d{1,9})?\Z", description="an amount in USD such as 5.00")
    ] = "0"
    discover: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    server: ServerSettings = field(default_factory=ServerSettings)
    keys: KeysSettings = field(default_factory=KeysSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    idempotency: IdempotencySettings = field(default_factory=IdempotencySettings)
    receipts: ReceiptsSettings = field(default_factory=ReceiptsSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    dashboard: DashboardSettings = field(default_factory=DashboardSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    router: RouterSettings = field(default_factory=RouterSettings)
    providers: dict[str, ProviderSettings] = field(default_factory=dict[str, ProviderSettings])
    models: dict[str, ModelSettings] = field(default_factory=dict[str, ModelSettings])
    guardrails: dict[str, GuardrailSettings] = field(default_factory=dict[str, GuardrailSettings])

"""Every setting of the gateway in one struct: a few at the top, the rest in the sections their rooms declare.

Only what no single room owns stands here. Each field has a heading in docs/reference/settings.md.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from tallygate.access.settings import KeysSettings
from tallygate.api.settings import ServerSettings
from tallygate.genai.secret import Secret
from tallygate.providers.settings import ProviderSettings
from tallygate.router.settings import ModelSettings
from tallygate.transport.settings import TransportSettings


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The resolved configuration. `data` is absolute; `database_url` is never empty once it went through `resolve`."""

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
    # None: made at the first start and kept in the data folder.
    admin_key: Secret | None = None
    discover: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    server: ServerSettings = field(default_factory=ServerSettings)
    keys: KeysSettings = field(default_factory=KeysSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
    providers: dict[str, ProviderSettings] = field(default_factory=dict[str, ProviderSettings])
    models: dict[str, ModelSettings] = field(default_factory=dict[str, ModelSettings])

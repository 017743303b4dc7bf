"""What one thing in a request counts as at most, where its bytes do not tell: pictures, sounds, files, tools.

Facts about a provider's models, from its own pages; a provider's row states them and the ledger bounds a call by them.
"""

from msgspec import Struct


class Ceilings(Struct, frozen=True, kw_only=True):
    """The most that one thing counts as, in input tokens. None: the provider does not say.

    The model's whole context window stands for a picture, sound, film or document that has no ceiling. A stored file,
    an earlier conversation and a tool of the provider without a limit of its own have to have one. `document_tokens` is
    for a whole PDF.
    """

    image_tokens: int | None = None
    audio_tokens_per_s: int | None = None
    video_tokens: int | None = None
    document_tokens: int | None = None
    stored_file_tokens: int | None = None
    history_tokens: int | None = None
    server_tool_uses: int | None = None


class Reach(Struct, frozen=True, kw_only=True):
    """How far one target of a plan can go: its context window and longest answer, in tokens, None where unknown.

    `foreign`: it does not speak the caller's dialect, so that tools which only that one knows are left out on the way.
    """

    context_tokens: int | None = None
    output_tokens_max: int | None = None
    ceilings: Ceilings = Ceilings()
    foreign: bool = False

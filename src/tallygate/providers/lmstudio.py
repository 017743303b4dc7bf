"""LM Studio on this machine (lmstudio.ai/docs/developer/openai-compat, lmstudio.ai/docs/developer/rest/endpoints)."""

from tallygate.genai.catalog import Offer
from tallygate.providers.base import Engine, Provider, Seen, Sighting
from tallygate.providers.listing import Listing, read_listing


def recognise(seen: tuple[Seen, ...]) -> Sighting | None:
    """Its own list says what each model's files are; releases before 0.3.6 only have OpenAI's, with a telling owner."""
    own, common = (_read(answer) for answer in seen)
    if own is not None and own.data and all(item.compatibility_type for item in own.data):
        listing = own
    elif common is not None and common.data and all(item.owned_by == "organization_owner" for item in common.data):
        listing = common
    else:
        return None
    return Sighting(tuple(Offer("lmstudio", item.id, context_tokens=item.max_context_length) for item in listing.data))


def _read(answer: Seen) -> Listing | None:
    listing = read_listing(answer.body) if answer.status == 200 else None
    return listing if listing is not None and listing.has_more is None else None


ROW = Provider(
    name="lmstudio",
    title="LM Studio",
    base_url="http://127.0.0.1:1234",
    speaks={"openai_chat": "/v1/chat/completions"},
    auth="none",
    engine=Engine(port=1234, paths=("/api/v0/models", "/v1/models"), recognise=recognise),
)

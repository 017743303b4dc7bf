"""The list of models, as one object that the clients of every dialect read.

It joins the members that OpenAI's and Anthropic's lists have; each client ignores the other's.
"""

from datetime import UTC, datetime

from tallygate.api.door import Reply, json_reply
from tallygate.errors import ModelNotFound
from tallygate.genai.catalog import ModelRecord
from tallygate.router.plan import Catalog


def list_models(catalog: Catalog) -> Reply:
    """``GET /v1/models``: every model that can be called by name. Public, and never an upstream call."""
    models = [_shown(record) for record in catalog.records.values()]
    return json_reply(
        {
            "object": "list",
            "data": models,
            "has_more": False,
            "first_id": models[0]["id"] if models else None,
            "last_id": models[-1]["id"] if models else None,
        }
    )


def show_model(catalog: Catalog, name: str) -> Reply:
    """``GET /v1/models/{model}``. The name may hold slashes, encoded or not. Raises ModelNotFound."""
    record = catalog.records.get(name)
    if record is None:
        raise ModelNotFound("The model does not exist here. GET /v1/models lists what does.", param="model")
    return json_reply(_shown(record))


def _shown(record: ModelRecord) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": record.id,
        "object": "model",
        "created": record.created_s,
        "owned_by": record.owned_by,
        "type": "model",
        "display_name": record.id,
        "created_at": datetime.fromtimestamp(record.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "backend": record.targets[0].provider if record.targets else record.owned_by,
        "quality": record.quality,
    }
    if record.context_tokens is not None:
        shown["context_length"] = record.context_tokens
    return shown

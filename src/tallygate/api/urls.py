"""The whole URL table. A line says which methods an address takes, whose dialect its answers and errors speak, who may
call it, and which door serves it. An address that is not here has OpenAI's error body and is a 404.
"""

from typing import Literal

from msgspec import Struct

Door = Literal[
    "call", "count", "list_models", "show_model", "home", "health", "ready",
    "credits", "key", "usage", "generation", "quote", "admin", "receipts", "log",
    "upgrade", "list_passports", "show_passport", "openrouter_account", "openrouter_models", "openrouter_model",
    "metrics", "explain", "workspace",
]  # fmt: skip

Policy = Literal["public", "models", "any key", "routing", "accounting", "keys", "users", "budgets", "admin"]
"""Who may call: anybody, a key that may call models, any live key of a workspace, a key that may see routes, a key that
may see calls, that may manage keys, users or limits of its workspace, the admin key. Each line names one: there is no
other way to be let in.
"""


class Route(Struct, frozen=True):
    """One address. In `path` a place such as ``{id}`` takes one part between slashes, and at the end the whole rest,
    slashes included; of two paths that fit, the one that stands first counts. `billable` calls take the hallway, where
    they are held and settled.
    """

    methods: tuple[str, ...]
    path: str
    dialect: str
    policy: Policy
    door: Door
    billable: bool = False


URLS: tuple[Route, ...] = (
    #     methods              path                         dialect               policy        door    money
    Route(("POST",),           "/v1/chat/completions",      "openai_chat",        "models",     "call", billable=True),
    Route(("POST",),           "/v1/completions",           "openai_completions", "models",     "call", billable=True),
    Route(("POST",),           "/v1/responses",             "openai_responses",   "models",     "call", billable=True),
    Route(("GET",),            "/v1/responses",             "openai_responses",   "public",     "upgrade"),
    Route(("POST",),           "/v1/embeddings",            "openai_embeddings",  "models",     "call", billable=True),
    Route(("POST",),           "/v1/messages",              "anthropic_messages", "models",     "call", billable=True),
    Route(("POST",),           "/v1/messages/count_tokens", "anthropic_messages", "models",     "count"),
    Route(("POST",),           "/api/v1/chat/completions",  "openrouter_chat",    "models",     "call", billable=True),
    Route(("POST",),           "/api/v1/embeddings",        "openrouter_embeddings", "models",  "call", billable=True),
    Route(("POST",),           "/api/v1/messages",          "anthropic_messages", "models",     "call", billable=True),
    Route(("POST",),           "/api/v1/responses",         "openai_responses",   "models",     "call", billable=True),
    Route(("POST",),           "/v1/inference/chat",        "unified_chat",       "models",     "call", billable=True),
    Route(("POST",),           "/v1/inference/generate",    "unified_generate",   "models",     "call", billable=True),
    Route(("POST",),           "/v1/inference/embed",       "unified_embed",      "models",     "call", billable=True),
    Route(("POST",),           "/v1/run/inference",         "run",                "models",     "call", billable=True),
    Route(("GET",),            "/v1/passports",             "run",                "public",     "list_passports"),
    Route(("GET",),            "/v1/passports/{id}",        "run",                "public",     "show_passport"),
    Route(("GET",),            "/api/v1/models",            "openrouter_chat",    "public",     "openrouter_models"),
    Route(("GET",),            "/api/v1/model/{model}",     "openrouter_chat",    "public",     "openrouter_model"),
    Route(("GET",),            "/api/v1/credits",           "openrouter_chat",    "accounting", "openrouter_account"),
    Route(("GET",),            "/api/v1/key",               "openrouter_chat",    "any key",    "openrouter_account"),
    Route(("GET",),            "/api/v1/generation",        "openrouter_chat",    "accounting", "openrouter_account"),
    Route(("GET",),            "/v1/models",                "openai_chat",        "public",     "list_models"),
    Route(("GET",),            "/v1/models/{model}",        "openai_chat",        "public",     "show_model"),
    Route(("GET",),            "/v1/credits",               "unified",            "accounting", "credits"),
    Route(("GET",),            "/v1/key",                   "unified",            "any key",    "key"),
    Route(("GET",),            "/v1/usage",                 "unified",            "accounting", "usage"),
    Route(("GET",),            "/v1/generation",            "unified",            "accounting", "generation"),
    Route(("POST",),           "/v1/quote",                 "unified",            "routing",    "quote"),
    Route(("POST",),           "/v1/route/explain",         "unified",            "routing",    "explain"),
    Route(("GET",),            "/v1/receipts",              "unified",            "accounting", "receipts"),
    Route(("POST",),           "/v1/receipts/verify",       "unified",            "public",     "log"),
    Route(("GET",),            "/v1/receipts/{id}/proof",   "unified",            "accounting", "receipts"),
    Route(("GET",),            "/v1/receipts/{id}",         "unified",            "accounting", "receipts"),
    Route(("GET",),            "/v1/prices/{version}",      "unified",            "any key",    "receipts"),
    Route(("HEAD", "GET"),     "/v1/mmr/root",              "unified",            "public",     "log"),
    Route(("HEAD", "GET"),     "/log/checkpoint",           "unified",            "public",     "log"),
    Route(("HEAD", "GET"),     "/log/consistency",          "unified",            "public",     "log"),
    Route(("HEAD", "GET"),     "/log/tile/{name}",          "unified",            "public",     "log"),
    Route(("HEAD", "GET"),     "/.well-known/tallygate-receipts.json", "unified", "public",     "log"),
    Route(("GET", "POST"),     "/v1/api-keys",              "unified",            "keys",       "workspace"),
    Route(("POST",),           "/v1/api-keys/{id}/rotate",  "unified",            "keys",       "workspace"),
    Route(("GET", "PATCH", "DELETE"), "/v1/api-keys/{id}",  "unified",            "keys",       "workspace"),
    Route(("GET", "POST"),     "/v1/users",                 "unified",            "users",      "workspace"),
    Route(("GET", "PATCH"),    "/v1/users/{id}",            "unified",            "users",      "workspace"),
    Route(("GET", "PATCH"),    "/v1/limits",                "unified",            "budgets",    "workspace"),
    Route(("GET", "POST"),     "/v1/admin/workspaces",      "unified",            "admin",      "admin"),
    Route(("PATCH",),          "/v1/admin/workspaces/{id}", "unified",            "admin",      "admin"),
    Route(("GET", "POST"),     "/v1/admin/users",           "unified",            "admin",      "admin"),
    Route(("PATCH",),          "/v1/admin/users/{id}",      "unified",            "admin",      "admin"),
    Route(("GET", "POST"),     "/v1/admin/keys",            "unified",            "admin",      "admin"),
    Route(("POST",),           "/v1/admin/keys/{id}/rotate", "unified",           "admin",      "admin"),
    Route(("PATCH", "DELETE"), "/v1/admin/keys/{id}",       "unified",            "admin",      "admin"),
    Route(("GET", "PATCH"),    "/v1/admin/limits",          "unified",            "admin",      "admin"),
    Route(("GET", "POST"),     "/v1/admin/credit",          "unified",            "admin",      "admin"),
    Route(("GET",),            "/v1/admin/credit/{id}",     "unified",            "admin",      "admin"),
    Route(("POST",),           "/v1/admin/payouts",         "unified",            "admin",      "admin"),
    Route(("POST",),           "/v1/admin/refunds",         "unified",            "admin",      "admin"),
    Route(("GET", "POST"),     "/v1/admin/prices",          "unified",            "admin",      "admin"),
    Route(("GET",),            "/v1/admin/health",          "unified",            "admin",      "admin"),
    Route(("GET",),            "/v1/admin/audit",           "unified",            "admin",      "admin"),
    Route(("GET",),            "/v1/admin/config",          "unified",            "admin",      "admin"),
    Route(("POST",),           "/v1/admin/reload",          "unified",            "admin",      "admin"),
    Route(("HEAD", "GET"),     "/",                         "openai_chat",        "public",     "home"),
    Route(("GET",),            "/health",                   "openai_chat",        "public",     "health"),
    Route(("GET",),            "/ready",                    "openai_chat",        "public",     "ready"),
    Route(("GET",),            "/metrics",                  "openai_chat",        "admin",      "metrics"),
)  # fmt: skip

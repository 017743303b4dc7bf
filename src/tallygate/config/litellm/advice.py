"""What to say of LiteLLM's settings that are not here: why, and what to do instead.

Names are those of docs.litellm.ai/docs/proxy/config_settings. A setting that stands in none of these tables is reported
as not known.
"""

from typing import Final

_BY_CLIENTS: Final = "clients send it with their calls"
_RETRIES: Final = "for all targets alike: router.retries_max and router.retry_percent"
_NO_REDIS: Final = "nothing beside the database is needed, and limits are exact without it"
_EQUALS: Final = (
    "no other model takes a model's place here; if it is an equal one, add it to the targets of the first, else let "
    "clients name both"
)
_LIMITS: Final = "budgets and limits are set for workspaces, users and keys: tallygate keys limits"
_KEPT: Final = "answers are never cached; providers' own prompt caches are used and priced"
_NO_CALLBACKS: Final = (
    "nothing is sent to others from here; receipts, GET /v1/usage, /metrics and the log tell of each call"
)
_KEYS: Final = "keys of LiteLLM are not read; make them with tallygate keys create"
_DATABASE: Final = "a database of its own: TALLYGATE_DATABASE_URL, or SQLite if that is not set"

MODEL_INFO: Final = {
    "id": "a target's name is provider/model here",
    "access_groups": "a key lists the models it may call: tallygate keys create --model",
    "max_tokens": "the figures of the vendor's pages are used",
    "max_input_tokens": "the figures of the vendor's pages are used",
    "max_output_tokens": "the figures of the vendor's pages are used",
    "description": "there is no place for it",
}
PARAMS: Final = {
    **dict.fromkeys(("temperature", "max_tokens", "top_p", "seed", "stop", "max_completion_tokens"), _BY_CLIENTS),
    **dict.fromkeys(("reasoning_effort", "thinking", "extra_body", "response_format", "user"), _BY_CLIENTS),
    **dict.fromkeys(("max_retries", "num_retries"), _RETRIES),
    "api_version": "the address that is used needs none",
    "drop_params": "a field that a provider lacks is named in x-tallygate-dropped if it is harmless, else refused",
    "mock_response": "tallygate serve --demo has models that answer without a provider",
    "tags": "calls are not routed by tags",
    "litellm_credential_name": "name the variable of the provider's key: api_key_env",
    "cache_control_injection_points": "requests are passed on as clients write them",
    "model_info": "it belongs beside litellm_params",
    "stream_timeout": "there is nothing in it",
    "tpm_limit": _LIMITS,
    "rpm_limit": _LIMITS,
    "max_budget": _LIMITS,
    "budget_duration": _LIMITS,
}
ROUTER: Final = {
    **dict.fromkeys(("redis_host", "redis_port", "redis_password", "redis_url", "cache_responses"), _NO_REDIS),
    "routing_strategy_args": "targets are measured by the gateway's own rules",
    "enable_pre_call_checks": "what a model lacks is always looked at before it is asked",
    "retry_policy": _RETRIES,
    "model_group_retry_policy": _RETRIES,
    "retry_after": "a provider's own Retry-After is heeded",
    "allowed_fails_policy": "router.failures_in_row_max and router.failure_percent count for all failures",
    "provider_budget_config": _LIMITS,
    "default_max_parallel_requests": "set concurrency for each provider",
    "set_verbose": "set log_level",
    "debug_level": "set log_level",
    "enable_tag_filtering": "calls are not routed by tags",
    "num_retries": _RETRIES,
}
LITELLM: Final = {
    **dict.fromkeys(("cache", "cache_params", "enable_redis_auth_cache"), _KEPT),
    **dict.fromkeys(("success_callback", "failure_callback", "callbacks", "service_callbacks"), _NO_CALLBACKS),
    **dict.fromkeys(
        ("max_budget", "budget_duration", "default_internal_user_params", "default_team_settings"), _LIMITS
    ),
    **dict.fromkeys(
        ("max_internal_user_budget", "internal_user_budget_duration", "upperbound_key_generate_params"), _LIMITS
    ),
    **dict.fromkeys(
        ("turn_off_message_logging", "redact_user_api_key_info"), "no prompt, answer or key is ever logged"
    ),
    **dict.fromkeys(("set_verbose", "suppress_debug_info"), "set log_level"),
    "drop_params": PARAMS["drop_params"],
    "modify_params": "requests are never rewritten so that they fit",
    "ssl_verify": "certificates are always checked",
    "force_ipv4": "the system's order of addresses is used",
    "default_key_generate_params": _KEYS,
    "enable_json_schema_validation": "answers are passed on as they come",
    "guardrails": "checks on calls are set in [guardrails]",
    "disable_end_user_cost_tracking": "every call has a receipt",
    "json_logs": "set log_format",
}
GENERAL: Final = {
    **dict.fromkeys(("database_url", "database_connection_pool_limit", "database_connection_timeout"), _DATABASE),
    **dict.fromkeys(("store_model_in_db", "supported_db_objects"), "models are in the file alone"),
    **dict.fromkeys(("max_parallel_requests", "global_max_parallel_requests"), _LIMITS),
    **dict.fromkeys(("alerting", "alert_types", "alerting_threshold", "alerting_args"), "watch /metrics and the log"),
    **dict.fromkeys(
        ("key_management_system", "key_management_settings"), "secrets are variables or files: api_key_file"
    ),
    **dict.fromkeys(("custom_auth", "enable_jwt_auth", "litellm_jwtauth"), _KEYS),
    **dict.fromkeys(
        ("background_health_checks", "health_check_interval"), "targets are judged by the calls they answer"
    ),
    **dict.fromkeys(("disable_spend_logs", "disable_error_logs", "proxy_batch_write_at"), "every call has a receipt"),
    "allowed_ips": "networks are set for each key",
    "allowed_routes": "a key's permissions say what it may do",
    "pass_through_endpoints": "only models are passed on to",
    "completion_model": "each call names its model",
    "disable_master_key_return": "the admin key is never shown",
    "allow_requests_on_db_unavailable": "a call that cannot be held and proved is refused",
    "infer_model_from_keys": "providers whose keys are set are there by themselves",
    "store_prompts_in_spend_logs": "no prompt is ever stored",
    "use_redis_transaction_buffer": _NO_REDIS,
    "forward_client_headers_to_llm_api": "a client's headers go no further",
    "salt_key": _KEYS,
}
SECTIONS: Final = {
    "include": "import each of these files by itself",
    "guardrails": "checks on calls are set in [guardrails]",
    "mcp_servers": "the gateway calls no tools",
    "mcp_tools": "the gateway calls no tools",
    "vector_store_registry": "the gateway keeps no documents",
    "callback_settings": _NO_CALLBACKS,
    "credential_list": "name the variable of each provider's key: api_key_env",
    "files_settings": "the gateway keeps no files",
    "finetune_settings": "models are called here, not trained",
    "prompts": "requests are passed on as clients write them",
    "search_tools": "the gateway calls no tools",
}
FALLBACKS: Final = {
    "fallbacks": _EQUALS,
    "default_fallbacks": _EQUALS,
    "content_policy_fallbacks": _EQUALS,
    "context_window_fallbacks": _EQUALS,
}

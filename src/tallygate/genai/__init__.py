"""The vocabulary every room shares: frozen values named after OpenTelemetry's GenAI conventions.

Nothing here reads a wire format, a clock, a socket or a database, and nothing here knows a provider.
"""

"""Configuration: one file, then the environment, then flags, and the origin of every value.

It assembles the settings structs that the rooms declare, checks them and hands out values; no room imports it. What a
setting means belongs to the room that uses it.
"""

from tallygate.config.assembly import Value
from tallygate.config.display import plain, show
from tallygate.config.origin import ConfigError, Origin, Problem
from tallygate.config.resolution import Resolved, resolve
from tallygate.config.settings import Settings
from tallygate.config.shape import list_settings

__all__ = [
    "ConfigError",
    "Origin",
    "Problem",
    "Resolved",
    "Settings",
    "Value",
    "list_settings",
    "plain",
    "resolve",
    "show",
]

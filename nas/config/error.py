"""ConfigError: what every mistake in a config becomes."""

from __future__ import annotations


class ConfigError(ValueError):
    """A config file or an override is wrong; the message is one line for the user."""

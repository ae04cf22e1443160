"""The fixtures of Spancast's own plugin, here by import so that they are there before anything is installed."""

from spancast.testing.fixtures import openrouter

__all__ = ["openrouter"]

"""Platforms as they are: servers on loopback that take what the platform takes, and answer as it does."""

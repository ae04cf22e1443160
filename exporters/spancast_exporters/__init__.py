"""The built-in exporters: one file a platform, and the file's name is the name that users type.

PYTEST_DONT_REWRITE: under `spancast run` this package is imported before pytest can rewrite it, and pytest would warn.
"""

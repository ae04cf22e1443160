"""The built-in exporters: one file a platform, and the file's name is the name that users type."""

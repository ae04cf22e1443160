"""Where PyInstaller finds its hook for us, by its entry point: it cannot see what is imported by name."""

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folder of the hooks, each named after its package."""
    return [str(Path(__file__).parent)]

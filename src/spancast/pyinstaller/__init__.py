"""What PyInstaller is told of us: what is imported by name it cannot see. It finds this by its own entry point."""

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folder in which PyInstaller looks for hooks, each named after the package that it is for."""
    return [str(Path(__file__).parent)]

"""PyInstaller's hook for programs that import `spancast`, which imports its verbs and exporters by name."""

from PyInstaller.utils.hooks import (  # type: ignore[import-untyped]  # it brings no types along
    collect_submodules,
    copy_metadata,
)


def is_included(module: str) -> bool:
    """Return whether a frozen program may need a module; the others import pytest or PyInstaller."""
    return not module.startswith(("spancast.testing.contract", "spancast.testing.fixtures", "spancast.pyinstaller"))


hiddenimports = [*collect_submodules("spancast", is_included), *collect_submodules("spancast_exporters")]
datas = copy_metadata("spancast")

"""PyInstaller's hook for a program that imports `spancast`: its verbs, its exporters and its version come by name."""

from PyInstaller.utils.hooks import (  # type: ignore[import-untyped]  # it brings no types along
    collect_submodules,
    copy_metadata,
)


def is_for_the_program(module: str) -> bool:
    """Whether a frozen program may need it: what is for pytest would bring pytest along, and this PyInstaller."""
    return not module.startswith(("spancast.testing.contract", "spancast.testing.fixtures", "spancast.pyinstaller"))


hiddenimports = [*collect_submodules("spancast", is_for_the_program), *collect_submodules("spancast_exporters")]
datas = copy_metadata("spancast")

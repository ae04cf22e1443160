"""The standard output, whose errors are not taken for those of the files that are read meanwhile."""

from io import TextIOWrapper

from spancast.errors import SpancastError


class OutputError(SpancastError):
    """The standard output cannot be written."""


class Output(TextIOWrapper):
    """A standard output that raises `OutputError`, except for `BrokenPipeError`: its reader has gone."""

    @classmethod
    def replacing(cls, stdout: TextIOWrapper) -> "Output":
        """Return one with the file and the buffer of another, which stays open: `sys.__stdout__` has uses."""
        encoding, lines, through = stdout.encoding, stdout.line_buffering, stdout.write_through
        return cls(stdout.buffer, encoding, "replace", line_buffering=lines, write_through=through)

    def write(self, text: str, /) -> int:
        """Write a text."""
        try:
            return super().write(text)
        except OSError as error:
            raise _translated(error) from error

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError as error:
            raise _translated(error) from error


def _translated(error: OSError) -> BrokenPipeError | OutputError:
    if isinstance(error, BrokenPipeError):
        return BrokenPipeError(*error.args)
    return OutputError(f"The standard output cannot be written: {error.strerror or error}.")

"""What was requested and answered: a record of its own, so that it is loaded only where it may be."""

import msgspec


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="content"):
    """The content of one call. Each field is JSON text in the shape of the GenAI semantic conventions."""

    call_id: str
    input_messages: str | None = None
    """The messages of the request (`gen_ai.input.messages`)."""
    output_messages: str | None = None
    """The messages of the answer (`gen_ai.output.messages`)."""
    system_instructions: str | None = None
    """Instructions that the request states apart from its messages (`gen_ai.system_instructions`)."""
    tool_definitions: str | None = None
    """The tools that the model was offered (`gen_ai.tool.definitions`)."""
    error: str | None = None
    """Errors as stated, which may quote the request or the provider."""

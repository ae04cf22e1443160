"""What was asked and answered, kept where that is wanted: a record of its own, so that nobody loads it who may not."""

import msgspec


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="content"):
    """The words of one call. Each field is JSON text in the shape of the GenAI semantic conventions."""

    call_id: str
    input_messages: str | None = None
    """What was asked (`gen_ai.input.messages`)."""
    output_messages: str | None = None
    """What was answered (`gen_ai.output.messages`)."""
    system_instructions: str | None = None
    """Instructions that the request carries apart from its messages (`gen_ai.system_instructions`)."""
    tool_definitions: str | None = None
    """The tools that the model was offered (`gen_ai.tool.definitions`)."""
    error: str | None = None
    """What an error quotes: of the request, of the provider's own words."""

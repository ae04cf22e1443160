"""Where the classes of HTTP status codes begin (RFC 9110 §15)."""

FIRST_NOT_SUCCESS = 300
"""The first status that is no answer: a redirect asks no model, whoever follows it, and is not billed."""
FIRST_ERROR = 400
"""The first status that is an error; OpenRouter does not bill what it answers with one."""

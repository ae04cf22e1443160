"""What a request states.

- `facts`         its model, parameters, user, and application
- `trace_fields`  its `trace` and `metadata`
- `claude_code`   the user and session that Claude Code states in one field
- `endpoint`      the API and the key that it used, to ask about its generation later
"""

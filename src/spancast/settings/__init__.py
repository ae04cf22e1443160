"""What an application's owner may choose.

- `settings`  what holds; `resolve` finds it among arguments, variables, a `file` and the `defaults`
- `table`     a row for each setting; `reading`, how what was written becomes a value
"""

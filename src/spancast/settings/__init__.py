"""Reading the settings.

- `defaults`   the values of settings that depend on the environment
- `file`       `spancast.toml` and `pyproject.toml`
- `reading`    parsing the value of each setting
- `resolve`    which value is in force: argument, variable, file or default
- `settings`   the settings in force
- `table`      all settings: names, variables, parsers, defaults
- `variables`  variables with misspelt names
"""

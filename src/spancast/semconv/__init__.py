"""The names of span attributes: our own spans' and those of other libraries.

- `names`    every attribute name that we write, and why each that no convention has is there
- `content`  which attributes of other libraries' spans hold prompts and completions
"""

"""What every station may stand on, and which knows none of them.

- `homes`, `folders`, `store`, `locks`   directories, databases and locks that processes share
- `forks`, `background`, `shared`         threads, forks, and what threads have in common
- `segments`                              names of the journal's files
- `bounded`, `scrub`, `http_fields`        text: with an end, without secrets, fit for a header
- `importing`                             objects by their names
"""

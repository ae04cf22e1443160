"""What every station may stand on, and which knows none of them.

- `guard`                                 our faults, counted and kept from the application
- `money`, `ids`                          dollars without loss, and names that nothing else has
- `clock`, `deadline`                     what time it is, and how much of it is left
- `homes`, `folders`, `store`, `locks`    directories, databases and locks that processes share
- `segments`, `descriptors`               names of the journal's files, and whether an open file is still ours
- `background`, `forks`, `tasks`          threads, processes and tasks; `shared` what threads have in common
- `garbage`                               whether the collector is at work
- `bounded`, `scrub`, `http_fields`       text: with an end, without secrets, fit for a header
- `importing`                             objects by their names
"""

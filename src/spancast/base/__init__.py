"""What every station may stand on, and which knows none of them.

- `guard`                                 our faults, counted and kept from the application
- `money`, `ids`                          dollars without loss, and names that nothing else has
- `clock`, `deadline`, `moments`          what time it is, how much of it is left, and what people call it
- `homes`, `folders`, `store`, `locks`    directories, databases and locks that processes share
- `files`                                 what others may have had a hand in, read and written with care
- `segments`, `descriptors`               names of the journal's files, and whether an open file is still ours
- `background`, `threads`                 work behind the caller's back, and the threads that do it
- `forks`, `tasks`                        processes and tasks; `shared` what threads have in common
- `garbage`                               whether the collector is at work
- `bounded`, `scrub`, `http_fields`       text: with an end, without secrets, fit for a header
- `texts`                                 what is no text, as text
- `importing`                             objects by their names
"""

"""Reports as people and scripts read them.

- `call_json`        a call as JSON
- `call_table`       a call as a row of a table
- `charts`           bars and sparklines
- `colour`           colour on terminals
- `costs_json`       sums as JSON
- `costs_table`      sums as a table
- `human`            numbers, times and phrases in text
- `instants`         times in JSON and files
- `latency_json`     latencies as JSON
- `latency_table`    latencies as a table
- `messages`         messages of several verbs
- `missing_text`     what a list of calls lacks
- `reconciled_json`  a reconciliation as JSON
- `reconciled_text`  a reconciliation as text
- `records`          lines of CSV
- `stdout`           the standard output for programs that read it
- `table`            tables that fit the terminal
- `user_text`        the page of one user
- `watch`            a screen that is redrawn
"""

"""The ledger: every dollar, booked from the calls themselves, so that sampling and privacy never change a sum.

- `book`         the file; `schema` its tables, `entries` how calls are written, `amendments` what is said of them later
- `entry`        a call as a row; `narrow` its numbers, `texts` what rows share, `posted` what sums ask of it
- `known`        which numbers this process need not look up; `rows` how rows are put down
- `rollups`      the sums that are kept beside the rows; `sums` how they add up, `latencies` the histograms
- `answers`      what it says when it is asked
- `late_costs`   asking for the costs that no answer stated; `prices` what estimates are made by
- `reconciling`  the ledger beside what OpenRouter billed
- `upkeep`       check, rebuild, prune; `kept` since when it is whole, `pruner` who prunes, `trouble` what is wrong,
                 `dangling` what stands for nothing
"""

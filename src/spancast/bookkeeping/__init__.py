"""The ledger: every dollar, booked from the calls themselves, so that neither sampling nor privacy changes a sum.

Writing:

- `book`                the file `ledger.db`
- `schema`              its tables and views
- `entries`             inserts calls, and updates the sums in the same transaction
- `amendments`          applies late facts to calls
- `entry`               a call as a row
- `narrow`              its counts and costs in narrow columns
- `posted`              the fields of a row that sums are made of
- `rows`                inserts many rows at a time
- `paged`               looks up many rows at a time
- `texts`               strings that rows share
- `id_cache`            the ids of strings and kinds that this process knows

Sums beside the calls:

- `rollups`             by day and month
- `sums`                how they add up
- `latencies`           histograms of durations

Reading and upkeep:

- `answers`             queries: calls, costs and latency, from the ledger or from ClickHouse
- `reconciling`         compares the ledger with what OpenRouter billed
- `late_costs`          looks up or estimates costs that no answer stated
- `openrouter`          OpenRouter's API for costs and prices
- `prices`, `pricing`   OpenRouter's price list, and the pricing of one model
- `numbers`             reads numbers in OpenRouter's answers
- `upkeep`              check, rebuild, prune
- `pruner`              prunes once a day
- `retention`           which days still have all their calls
- `dangling`            references to rows that do not exist
- `trouble`             explains why a ledger cannot be used
"""

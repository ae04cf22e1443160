"""Costs that no answer states: looked up at OpenRouter, or estimated by its price list.

- `backfill`       looks costs up, from a queue of lookups
- `cost_lookup`    one cost to look up, and when to try again
- `ledger_queue`   the queue of all calls in the ledger, for one key
- `process_queue`  the queue of this process's own calls, each with the key that made it
- `estimator`      estimates costs in the background, and refreshes the price list
- `estimate`       what one call comes to by the price list
"""

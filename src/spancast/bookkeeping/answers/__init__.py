"""What the ledger says when it is asked: which calls, grouped by what, their sums and how long they took."""

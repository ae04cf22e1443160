"""The ledger beside what OpenRouter billed: every call in both is matched, every cent that differs is told."""

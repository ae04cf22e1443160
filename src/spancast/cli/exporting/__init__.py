"""The ledger's calls as files for other tools."""

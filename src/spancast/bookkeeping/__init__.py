"""The ledger: every dollar, booked from the calls themselves, so that sampling and privacy never change a sum."""

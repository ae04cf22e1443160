"""Messages that several verbs print."""

NOTHING_YET = "No calls yet. Run a program with Spancast on:  spancast run -- python app.py"
NO_LEDGER = "There is no ledger yet: the first report creates it, once a program has made a call."

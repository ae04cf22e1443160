"""One module per dialect, and the table of dialects."""

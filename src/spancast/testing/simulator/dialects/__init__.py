"""One file a dialect, and the table of them."""

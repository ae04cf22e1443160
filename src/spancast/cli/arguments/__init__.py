"""What is written on the command line: filters, points in time, lengths of time."""

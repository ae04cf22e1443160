"""What the reporting verbs find out, whatever it is shown as."""

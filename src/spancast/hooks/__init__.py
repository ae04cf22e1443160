"""Where HTTP is touched: one table of methods, one file a client family, one place that patches."""

"""From tables to panels of series on regular grids, and what is learned from their past alone."""

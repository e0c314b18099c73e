"""The report: one HTML page that opens offline and says what was learnt, how well, and why."""

"""Turn the text of a table into columns, times, numbers and roles."""

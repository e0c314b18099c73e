"""Read from and write to files, data frames and databases."""

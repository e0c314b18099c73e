"""Where tables come from and go to: files, data frames, SQL."""

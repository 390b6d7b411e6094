"""FT.*, a file for each family."""

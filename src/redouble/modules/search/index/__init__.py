"""What an index keeps: one structure for each type of field."""

"""What a value is outside the server: the bytes of DUMP, and of each value in an RDB file."""

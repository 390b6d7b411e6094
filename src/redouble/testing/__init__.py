"""What a test asks of a server besides Redis commands: its record of commands, faults on purpose, a look inside."""

"""The HTTP edge: the stream's endpoint, commands, reads, sessions, operations."""

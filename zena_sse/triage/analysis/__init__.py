"""What can be told from a conversation alone: pure, deterministic, no database and no network."""

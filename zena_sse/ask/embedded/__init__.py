"""Answers that need no model: what the mail says, found and put together."""

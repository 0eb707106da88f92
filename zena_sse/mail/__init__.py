"""Mailboxes: reading them, parsing what is in them, and finding the conversation each message belongs to."""

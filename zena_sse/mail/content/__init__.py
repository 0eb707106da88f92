"""What a mail says: from its bytes to who, when, what was written, what was quoted. Pure."""

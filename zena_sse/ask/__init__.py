"""Ask Zena: questions about the mail, and answers that stream, survive and can be stopped."""

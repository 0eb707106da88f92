"""Answers by a language model, from passages of the mail."""

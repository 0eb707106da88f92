"""Deals: one per property and party, how far they are, and which of them go cold."""

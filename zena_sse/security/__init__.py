"""Who is calling, how they prove it, and what is kept secret for them. No web here."""

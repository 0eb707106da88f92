"""What a thread is, who owes the next move, what it mentions; kept up to date as mail comes."""

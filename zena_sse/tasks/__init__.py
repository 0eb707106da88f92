"""What the agent has to do: found in mail, asked for, or suggested."""

"""The demo: a labelled mailbox that lives, served to one signed-in user."""

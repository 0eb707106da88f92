"""How mailboxes are read: one adapter for each kind, behind the port in `mail/connector.py`."""

"""The database: units of work, the event log, the tables; one module per engine."""

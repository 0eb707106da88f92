"""zena-sse: one authenticated, durable Server-Sent-Events stream for each tab of Zena."""

__version__ = "0.1.0"

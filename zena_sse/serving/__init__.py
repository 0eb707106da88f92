"""How streams get on the wire: a connection taken over from our uvicorn, or plain ASGI anywhere else."""

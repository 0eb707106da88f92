"""Structured logs on stderr: for people on a terminal, as JSON in a pipe."""

from __future__ import annotations

import json
import logging
import sys

import msgspec
import structlog


def configure_logs(level: str, *, final: bool = False) -> None:
    """Send our logs, and the warnings of the libraries, to stderr; nothing changes a `final` choice."""
    number = logging.getLevelNamesMapping()[level.upper()]
    terminal = sys.stderr.isatty()
    # Tracebacks without local variables: those hold mail and passwords.
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    processors: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    if not terminal:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=final,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(name)s: %(message)s")


def _to_json(line: object, **_json_options: object) -> str:
    """Every stream writes two lines in its life; this is three times as fast as the standard library."""
    try:
        return msgspec.json.encode(line, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half a surrogate pair, from the name of a file
        return json.dumps(line, default=repr)

"""How strangers' text is handed to a model: so that it cannot pass for anybody's words but theirs."""

from __future__ import annotations

import msgspec


def quoted(text: str) -> msgspec.Raw:
    """A JSON string whose text can neither end it nor spell what models read as the end of a message.

    Many servers take `<|im_end|>` or `[/INST]` for their own marks wherever these stand.
    """
    encoded = msgspec.json.encode(text)
    for mark in b"<>|[]":
        encoded = encoded.replace(bytes([mark]), b"\\u%04x" % mark)
    return msgspec.Raw(encoded)

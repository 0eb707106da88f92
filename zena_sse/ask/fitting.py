"""The end of an answer, made to fit into one event."""

from __future__ import annotations

import msgspec

from zena_sse.contract.events import (
    EVENT_BYTES,
    TEXT_LIMIT,
    AskError,
    AskResponse,
    Source,
    SuggestedAction,
)
from zena_sse.mail.content.message import cut

# For what stands around the payload: type, moment, command id, and the fields of the frame.
AROUND_BYTES = 1024


def fit(response: AskResponse) -> AskResponse:
    """The same with texts cut as everywhere, and as many sources and actions as there is room for.

    The first ones matter most, so the last ones go; an answer alone always fits.
    """
    sources = None if response.sources is None else [_cut_source(source) for source in response.sources]
    actions = response.suggested_actions
    if actions is not None:
        actions = [_cut_action(action) for action in actions]
    error = response.error and AskError(response.error.code, cut(response.error.message, TEXT_LIMIT))
    fitted = msgspec.structs.replace(response, sources=sources, suggested_actions=actions, error=error)
    while _is_too_large(fitted) and (fitted.sources or fitted.suggested_actions):
        fitted = _with_less(fitted)
    return fitted


def _with_less(response: AskResponse) -> AskResponse:
    if response.sources:
        return msgspec.structs.replace(response, sources=response.sources[:-1])
    return msgspec.structs.replace(response, suggested_actions=(response.suggested_actions or [])[:-1])


def _is_too_large(response: AskResponse) -> bool:
    return len(msgspec.json.encode(response)) > EVENT_BYTES - AROUND_BYTES


def _cut_source(source: Source) -> Source:
    return msgspec.structs.replace(source, title=cut(source.title), snippet=cut(source.snippet))


def _cut_action(action: SuggestedAction) -> SuggestedAction:
    return msgspec.structs.replace(action, label=cut(action.label))

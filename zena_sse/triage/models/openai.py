"""Any endpoint that speaks OpenAI's chat completions, reached with OpenAI's own package."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from zena_sse.errors import ConfigurationError
from zena_sse.triage.opinion.model import (
    InvalidAnswer,
    ModelTrouble,
    Prompt,
    Refused,
    Unavailable,
    Unusable,
)
from zena_sse.triage.opinion.verdict import SCHEMA

if TYPE_CHECKING:
    import openai

# Whoever is there answers by then; how long the answer takes is another matter, and the operator's.
CONNECT_SECONDS = 5.0
# A verdict has a few hundred bytes; whoever sends more sends something else.
ANSWER_BYTES = 64 * 1024
# Worth asking again: too slow, in conflict, too many; 5xx besides.
PASSING = frozenset({408, 409, 429})
# Said of one question, not of the one who asks: malformed, too long, not acceptable.
ABOUT_THE_QUESTION = frozenset({400, 413, 422})
# Said of the key: missing, out of money, not allowed.
ABOUT_THE_KEY = frozenset({401, 402, 403})

_STRICT = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA},
    }
}
_PLAIN = {"response_format": {"type": "json_object"}}
_STEADY = {"temperature": 0}  # the same mail, the same verdict
# The ways to ask, the best first: not all servers know schemas, not all models let themselves be steadied.
MANNERS: tuple[dict[str, Any], ...] = (_STRICT | _STEADY, _PLAIN | _STEADY, _STRICT, _PLAIN)


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class OpenAiModel:
    """A model behind such an endpoint. Remembers in which manner it could be asked."""

    def __init__(self, base_url: str, api_key: str, model: str, timeout_seconds: float) -> None:
        """Raises `ConfigurationError` when the package is not there."""
        self._openai = _package()
        self._model = model
        self._seconds = timeout_seconds
        self._manner = 0
        # From here on a key in OpenAI's own environment variables would go to whatever this endpoint is.
        self._client = self._openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            organization="",
            project="",
            max_retries=0,
            timeout=self._openai.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
            http_client=self._openai.DefaultAsyncHttpxClient(
                follow_redirects=False,  # mail goes where it was said, and nowhere else
                event_hooks={"response": [_leave_errors_unread]},
            ),
        )
        no = self._openai.Omit()
        self._headers = {
            "Accept-Encoding": "identity",  # what is counted is what is held
            "OpenAI-Organization": no,
            "OpenAI-Project": no,
        } | ({} if api_key else {"Authorization": no})

    async def answer(self, prompt: Prompt) -> str:
        """What it says. Raises `Unavailable`, `Refused`, `Unusable`, `InvalidAnswer`."""
        first = self._manner
        for manner in range(first, len(MANNERS)):
            try:
                said = await self._in_time(prompt, MANNERS[manner])
            except Refused:
                if manner == len(MANNERS) - 1:
                    raise
            else:
                self._manner = manner
                return said
        raise AssertionError("the last manner is answered or refused")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def _in_time(self, prompt: Prompt, manner: dict[str, Any]) -> str:
        openai = self._openai
        try:
            async with asyncio.timeout(self._seconds):
                return _content(await self._body(prompt, manner))
        except (TimeoutError, openai.APITimeoutError):
            raise Unavailable("no answer in time") from None
        except openai.APIStatusError as error:
            raise _translated(error) from None
        except openai.OpenAIError as error:
            raise Unavailable(type(error).__name__) from None

    async def _body(self, prompt: Prompt, manner: dict[str, Any]) -> bytes:
        asked = self._client.chat.completions.with_streaming_response.create(
            model=self._model,
            messages=[
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            extra_headers=self._headers,
            **manner,
        )
        async with asked as response:
            return await _read(response.http_response)


def _package() -> ModuleType:
    """OpenAI's package; imported only when there is a model, for it takes its time."""
    try:
        return importlib.import_module("openai")
    except ImportError:
        raise ConfigurationError(
            "ZENA_LLM_BASE_URL needs the package openai; install it with: pip install 'zena-sse[llm]'"
        ) from None


async def _leave_errors_unread(response: Any) -> None:
    """An error has said enough with its status: its body may be any size, and quote key and mail."""
    if response.status_code >= 300:
        await response.aclose()


async def _read(response: Any) -> bytes:
    """The body of an answer. Raises `Unavailable`, `InvalidAnswer`."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unavailable("an encoding that was not asked for")
    body = b""
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_BYTES:
                break
    except Exception as error:  # of httpx or of httpx2, whichever the package brings
        raise Unavailable(type(error).__name__) from None
    if len(body) > ANSWER_BYTES:
        raise InvalidAnswer("too long")
    return body


def _content(body: bytes) -> str:
    """What the model says. Raises `Unavailable`, `InvalidAnswer`."""
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except msgspec.DecodeError:  # its message would quote the answer
        raise Unavailable("an answer that is no chat completion") from None
    said = completion.choices[0].message.content if completion.choices else None
    if said is None:
        raise InvalidAnswer("nothing said")
    return said


def _translated(error: openai.APIStatusError) -> ModelTrouble:
    status = error.status_code
    if status in PASSING or status >= 500:
        return Unavailable(f"status {status}", _patience(error.response.headers))
    if status in ABOUT_THE_QUESTION:
        return Refused(f"status {status}")
    about_key = status in ABOUT_THE_KEY
    return Unusable(
        f"status {status}", "ZENA_LLM_API_KEY" if about_key else "ZENA_LLM_BASE_URL or ZENA_LLM_MODEL"
    )


def _patience(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for; a moment is counted from the server's own clock (RFC 9110)."""
    asked = headers.get("retry-after", "")
    if asked.strip().isdecimal():
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())

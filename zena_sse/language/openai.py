"""Any endpoint that speaks OpenAI's chat completions, reached with OpenAI's own package."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from zena_sse.errors import ConfigurationError
from zena_sse.language.deltas import Deltas
from zena_sse.language.manners import Manner, Manners
from zena_sse.language.model import (
    Form,
    InvalidAnswer,
    ModelTrouble,
    Prompt,
    Refused,
    Speech,
    Turn,
    Unavailable,
    Unusable,
)

if TYPE_CHECKING:
    import openai

# Whoever is there answers by then; how long the answer takes is another matter, and the operator's.
CONNECT_SECONDS = 5.0
# An answer in a form has a few hundred bytes; whoever sends more sends something else.
ANSWER_BYTES = 64 * 1024
# An answer of some thousand words, each in an event of its own, and as many that a model thinks first.
STREAM_BYTES = 16 * 1024 * 1024
# What it cost follows an answer at once, if at all; whoever reads the answer waits for it.
AFTERWORD_SECONDS = 0.5
# Worth asking again: too slow, in conflict, too many; 5xx besides.
PASSING = frozenset({408, 409, 429})
# Said of one question, not of the one who asks: malformed, too long, not acceptable.
ABOUT_THE_QUESTION = frozenset({400, 413, 422})
# Said of the key: missing, out of money, not allowed.
ABOUT_THE_KEY = frozenset({401, 402, 403})

_STEADY = {"temperature": 0}  # the same mail, the same answer
_COUNTED = {"stream_options": {"include_usage": True}}
WAYS_TO_SPEAK: Sequence[Manner] = (_COUNTED | _STEADY, _STEADY, _COUNTED, {})


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
        self._answering = Manners()
        self._speaking = Manners()
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

    async def answer(self, prompt: Prompt, form: Form) -> str:
        """What it says. Raises `Unavailable`, `Refused`, `Unusable`, `InvalidAnswer`."""

        async def in_time(manner: Manner) -> str:
            with self._translating():
                async with asyncio.timeout(self._seconds):
                    return _content(await self._body(prompt, manner))

        return await self._answering.ask(_ways_to_answer(form), in_time)

    async def stream(self, turns: Sequence[Turn]) -> Speech:
        """What it says next, as it comes. Raises `Unavailable`, `Refused`, `Unusable`, `InvalidAnswer`.

        It may be silent for as long as one whole answer may take, at first and later.
        """
        loop, deltas = asyncio.get_running_loop(), Deltas()
        until = loop.time() + self._seconds
        async with self._spoken(turns, until) as response, aclosing(_body(response, STREAM_BYTES)) as body:
            while not deltas.finished:
                if said := await self._next(body, deltas, until):
                    yield said
                until = loop.time() + self._seconds
            await _hear_out(body, deltas)
        if deltas.usage is not None:
            yield deltas.usage
        deltas.end()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def _body(self, prompt: Prompt, manner: Manner) -> bytes:
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

    @asynccontextmanager
    async def _spoken(self, turns: Sequence[Turn], until: float) -> AsyncIterator[Any]:
        """The response to speak, by then, not read yet."""
        async with AsyncExitStack() as stack:

            async def in_time(manner: Manner) -> Any:
                asked = self._client.chat.completions.with_streaming_response.create(
                    model=self._model,
                    messages=[{"role": turn.role, "content": turn.content} for turn in turns],
                    stream=True,
                    extra_headers=self._headers,
                    **manner,
                )
                with self._translating():
                    async with asyncio.timeout_at(until):
                        return (await stack.enter_async_context(asked)).http_response

            yield await self._speaking.ask(WAYS_TO_SPEAK, in_time)

    async def _next(self, body: AsyncIterator[bytes], deltas: Deltas, until: float) -> str:
        """What is said next, by then; nothing at the end."""
        with self._translating():
            async with asyncio.timeout_at(until):
                async for data in body:
                    if (said := deltas.feed(data)) or deltas.finished:
                        return said
        deltas.end()
        return ""

    @contextmanager
    def _translating(self) -> Iterator[None]:
        openai = self._openai
        try:
            yield
        except (TimeoutError, openai.APITimeoutError):
            raise Unavailable("no answer in time") from None
        except openai.APIStatusError as error:
            raise _translated(error) from None
        except openai.OpenAIError as error:
            raise Unavailable(type(error).__name__) from None


def _ways_to_answer(form: Form) -> Sequence[Manner]:
    strict = {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": form.name, "strict": True, "schema": form.schema},
        }
    }
    plain = {"response_format": {"type": "json_object"}}
    return (strict | _STEADY, plain | _STEADY, strict, plain)


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
    async with aclosing(_body(response, ANSWER_BYTES)) as body:
        return b"".join([chunk async for chunk in body])


async def _body(response: Any, most: int) -> AsyncGenerator[bytes, None]:
    """A body as it comes. Raises `Unavailable`, and `InvalidAnswer` when it is longer than that."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unavailable("an encoding that was not asked for")
    size = 0
    try:
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    break
                yield chunk
    except Exception as error:  # of httpx or of httpx2, whichever the package brings
        raise Unavailable(type(error).__name__) from None
    if size > most:
        raise InvalidAnswer("too long")


async def _hear_out(body: AsyncIterator[bytes], deltas: Deltas) -> None:
    """See whether more than the answer comes; the connection can be used again if it comes to its end."""
    with suppress(TimeoutError, ModelTrouble):  # the answer is whole without it
        async with asyncio.timeout(AFTERWORD_SECONDS):
            async for data in body:
                deltas.feed(data)


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

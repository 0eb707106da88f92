"""All settings, read once from `ZENA_*`; a wrong value stops the start with one line that names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from zena_sse.errors import ConfigurationError
from zena_sse.thresholds import RiskThresholds, read_messages_per_week, read_silence_days, read_stage_days

# A shorter HMAC key than the hash is the weakest part of the signature (RFC 7518, section 3.2).
MINIMUM_SECRET_BYTES = 32

Seconds = float


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can choose. Each field is `ZENA_` and its name in capitals."""

    data_dir: Annotated[Path, Meta(description="embedded database and keys")] = Path("./data")
    database_url: Annotated[str, Meta(description="sqlite:///PATH; default: zena.db in there")] = ""
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; PORT too")] = 8000
    jwt_secret: Annotated[str, Meta(description="signs and verifies tokens, at least 32 bytes")] = ""
    jwt_algorithm: Annotated[str, Meta(pattern="^HS(256|384|512)$", description="accepted one")] = "HS256"
    jwt_issuer: Annotated[str, Meta(min_length=1, description="the `iss` that is accepted")] = "zena"
    jwt_audience: Annotated[str, Meta(min_length=1, description="the `aud` that is accepted")] = "zena-sse"
    secret_keys: Annotated[str, Meta(description="Fernet keys for credentials, newest first, by comma")] = ""
    allowed_origins: Annotated[str, Meta(description="other origins whose pages may call, by comma")] = ""
    trusted_hops: Annotated[int, Meta(ge=0, le=10, description="proxies in front whose headers count")] = 0
    heartbeat_seconds: Annotated[Seconds, Meta(gt=0, le=45, description="silence before a ping")] = 15.0
    stream_seconds: Annotated[Seconds, Meta(ge=1, le=86400, description="a stream's life, less 0-20 %")] = (
        600.0
    )
    streams_per_user: Annotated[int, Meta(ge=1, description="streams of one user; the oldest goes")] = 10
    streams_per_address: Annotated[int, Meta(ge=1, description="streams open from one address")] = 1_000
    streams_per_server: Annotated[int, Meta(ge=1, description="streams open in all")] = 20_000
    streams_per_second: Annotated[int, Meta(ge=1, description="streams taken in; at once twice that")] = 5_000
    retention_days: Annotated[float, Meta(gt=0, le=3650, description="how long events are kept")] = 7.0
    retention_events: Annotated[int, Meta(ge=100, description="events kept of each user")] = 100_000
    sync_minutes: Annotated[float, Meta(ge=0.05, le=1440, description="between two looks into a mailbox")] = (
        10.0
    )
    mail_days: Annotated[int, Meta(ge=0, le=36500, description="how far back mail is read; 0: no limit")] = (
        180
    )
    risk_silence_days: Annotated[str, Meta(description="silence that is low, medium, high risk")] = "3,5,10"
    risk_messages_per_week: Annotated[
        str, Meta(description="fewer messages a week are low, medium, high risk")
    ] = "2,1,0.5"
    risk_stage_days: Annotated[str, Meta(description="days a deal's stage may last; 1.5 times is high")] = (
        "lead=14,qualified=21,viewing=30,offer=14,conditional=45,pre_settlement=60"
    )
    risk_minutes: Annotated[
        float, Meta(ge=0.05, le=1440, description="between two looks at what goes cold")
    ] = 15.0
    llm_base_url: Annotated[
        str, Meta(pattern=r"^(https?://[^\s@?#/]+(/[^\s?#]*)?)?$", description="OpenAI-compatible API")
    ] = ""
    # Printable ASCII only: anything else is no header, and the complaint about it would show the key.
    llm_api_key: Annotated[str, Meta(pattern="^[!-~]*$", description="the key for it, if it wants one")] = ""
    llm_model: Annotated[str, Meta(description="the model to ask there")] = ""
    llm_timeout_seconds: Annotated[Seconds, Meta(gt=0, le=600, description="for one whole answer")] = 20.0
    asks_per_user: Annotated[int, Meta(ge=1, le=20, description="answers of one user made at a time")] = 2
    log_level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$", description="least level")] = (
        "info"
    )
    allow_url_token: Annotated[bool, Meta(description="accept ?token=JWT (ends up in access logs)")] = False
    allow_private_mail_hosts: Annotated[bool, Meta(description="mail servers on private addresses")] = False

    def __repr__(self) -> str:
        """Without the secrets: this may end up in a log."""
        shown = ((f, getattr(self, f)) for f in self.__struct_fields__ if f not in SECRETS)
        return f"Settings({', '.join(f'{field}={value!r}' for field, value in shown)})"

    @property
    def database_path(self) -> Path:
        """Where the embedded database is."""
        if self.database_url:
            return Path(self.database_url.removeprefix("sqlite:///"))
        return self.data_dir / "zena.db"

    @property
    def origins(self) -> frozenset[str]:
        """The other origins whose pages may call."""
        return frozenset(_listed(self.allowed_origins))

    @property
    def fernet_keys(self) -> tuple[str, ...]:
        """The keys that encrypt credentials, newest first."""
        return tuple(_listed(self.secret_keys))

    @property
    def risk_thresholds(self) -> RiskThresholds:
        """What makes a thread or a deal a risk."""
        return RiskThresholds(
            silence_days=read_silence_days(self.risk_silence_days),
            messages_per_week=read_messages_per_week(self.risk_messages_per_week),
            stage_days=read_stage_days(self.risk_stage_days),
        )

    def require_jwt_secret(self) -> str:
        """The signing secret; raises `ConfigurationError` when there is none that will do."""
        if not self.jwt_secret:
            raise ConfigurationError(
                "ZENA_JWT_SECRET is not set; set it to a random secret of at least 32 bytes, "
                "for example the output of: openssl rand -hex 32"
            )
        if len(self.jwt_secret.encode()) < MINIMUM_SECRET_BYTES:
            raise ConfigurationError(
                f"ZENA_JWT_SECRET has {len(self.jwt_secret.encode())} bytes, "
                f"at least {MINIMUM_SECRET_BYTES} are needed; make one with: openssl rand -hex 32"
            )
        return self.jwt_secret


SECRETS = frozenset({"jwt_secret", "secret_keys", "llm_api_key"})
# Settings whose text means more than it says: read once at the start, so that a wrong one stops it.
SPELLED: Mapping[str, Callable[[str], object]] = {
    "risk_silence_days": read_silence_days,
    "risk_messages_per_week": read_messages_per_week,
    "risk_stage_days": read_stage_days,
}
ALIASES = {"port": "PORT", "database_url": "DATABASE_URL"}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from the environment; raises `ConfigurationError` naming the variable that is wrong."""
    chosen: dict[str, Any] = {}
    for field, hint in get_type_hints(Settings, include_extras=True).items():
        name, text = _lookup(environment, field)
        if text is None:
            continue
        try:
            chosen[field] = _convert(text, hint)
            SPELLED.get(field, str)(text)
        except (msgspec.ValidationError, ValueError) as error:
            shown = "" if field in SECRETS else f" is {text!r}, which is wrong"
            raise ConfigurationError(f"{name}{shown}: {error}") from None
    settings = Settings(**chosen)
    if settings.database_url and not re.match("sqlite:///.", settings.database_url):
        raise ConfigurationError("ZENA_DATABASE_URL must be sqlite:///PATH; no other database yet")
    if bool(settings.llm_base_url) != bool(settings.llm_model):
        given, missing = ("BASE_URL", "MODEL") if settings.llm_base_url else ("MODEL", "BASE_URL")
        raise ConfigurationError(f"ZENA_LLM_{given} is set and ZENA_LLM_{missing} is not; a model needs both")
    return settings


def describe_settings() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for `serve --help` and the documentation."""
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(Settings):
        meta = next(m for m in get_args(hints[field.name]) if isinstance(m, Meta) and m.description)
        rows.append((_variable(field.name), str(field.default), meta.description or ""))
    return rows


def _variable(field: str) -> str:
    return f"ZENA_{field.upper()}"


def _lookup(environment: Mapping[str, str], field: str) -> tuple[str, str | None]:
    """The variable that sets this field and its text; an empty one counts as not set."""
    name = _variable(field)
    if text := environment.get(name):
        return name, text
    if field in SECRETS and (path := environment.get(f"{name}_FILE")):
        try:
            return f"{name}_FILE", Path(path).read_text().strip()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{name}_FILE is {path!r}, unreadable: {error}") from None
    alias = ALIASES.get(field, name)
    return alias, environment.get(alias) or None


def _convert(text: str, hint: object) -> object:
    kind = get_args(hint)[0]
    if kind is Path:
        return Path(text)
    if kind is bool:
        if text.lower() not in ("0", "1", "true", "false"):
            raise ValueError("expected 1 or 0")
        return text.lower() in ("1", "true")
    return msgspec.convert(text, hint, strict=False)


def _listed(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]

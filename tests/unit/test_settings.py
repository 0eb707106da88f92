"""Settings: read once, checked at the start, and every one of them documented."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from zena_sse.errors import ConfigurationError
from zena_sse.settings import ALIASES, SECRETS, Settings, describe_settings, read_settings

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
SECRET = "correct-horse-battery-staple-and-more"


def complaint(environment: dict[str, str]) -> str:
    """The one line that stops the start."""
    with pytest.raises(ConfigurationError) as caught:
        read_settings(environment)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


# --- values -------------------------------------------------------------------------------------


def test_nothing_set_gives_the_defaults() -> None:
    settings = read_settings({})
    assert settings == Settings()
    assert settings.database_path == Path("data/zena.db")
    assert (settings.port, settings.heartbeat_seconds, settings.mail_days) == (8000, 15.0, 180)
    assert settings.allow_url_token is settings.allow_private_mail_hosts is False


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("ZENA_DATA_DIR", "/srv/zena", "data_dir", Path("/srv/zena")),
        ("ZENA_PORT", "0", "port", 0),
        ("ZENA_PORT", "65535", "port", 65535),
        ("ZENA_HEARTBEAT_SECONDS", "0.5", "heartbeat_seconds", 0.5),
        ("ZENA_RETENTION_DAYS", "30", "retention_days", 30.0),
        ("ZENA_MAIL_DAYS", "0", "mail_days", 0),
        ("ZENA_JWT_ALGORITHM", "HS512", "jwt_algorithm", "HS512"),
        ("ZENA_LOG_LEVEL", "debug", "log_level", "debug"),
        ("ZENA_ALLOW_URL_TOKEN", "1", "allow_url_token", True),
        ("ZENA_ALLOW_URL_TOKEN", "TRUE", "allow_url_token", True),
        ("ZENA_ALLOW_URL_TOKEN", "0", "allow_url_token", False),
        ("ZENA_ALLOW_PRIVATE_MAIL_HOSTS", "false", "allow_private_mail_hosts", False),
        ("ZENA_JWT_SECRET", SECRET, "jwt_secret", SECRET),
    ],
)
def test_variable_sets_its_field(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(read_settings({variable: text}), field) == value


def test_empty_variable_counts_as_not_set() -> None:
    assert read_settings({f"ZENA_{field.upper()}": "" for field in Settings.__struct_fields__}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ZENA_PORT", "http"),
        ("ZENA_PORT", "-1"),
        ("ZENA_PORT", "65536"),
        ("ZENA_PORT", "80.5"),
        ("ZENA_TRUSTED_HOPS", "-1"),
        ("ZENA_TRUSTED_HOPS", "many"),
        ("ZENA_HEARTBEAT_SECONDS", "0"),
        ("ZENA_HEARTBEAT_SECONDS", "46"),
        ("ZENA_HEARTBEAT_SECONDS", "nan"),
        ("ZENA_HEARTBEAT_SECONDS", "15s"),
        ("ZENA_RETENTION_DAYS", "0"),
        ("ZENA_RETENTION_DAYS", "-7"),
        ("ZENA_RETENTION_DAYS", "inf"),
        ("ZENA_RETENTION_DAYS", "nan"),
        ("ZENA_RETENTION_DAYS", "1e300"),
        ("ZENA_RETENTION_EVENTS", "99"),
        ("ZENA_RETENTION_EVENTS", "1e99"),
        ("ZENA_SYNC_MINUTES", "0"),
        ("ZENA_SYNC_MINUTES", "inf"),
        ("ZENA_MAIL_DAYS", "-1"),
        ("ZENA_MAIL_DAYS", "9999999999"),
        ("ZENA_RISK_SILENCE_DAYS", "3,5"),
        ("ZENA_RISK_SILENCE_DAYS", "10,5,3"),
        ("ZENA_RISK_SILENCE_DAYS", "3,5,nan"),
        ("ZENA_RISK_SILENCE_DAYS", "0,5,10"),
        ("ZENA_RISK_MESSAGES_PER_WEEK", "0.5,1,2"),
        ("ZENA_RISK_MESSAGES_PER_WEEK", "two,1,0.5"),
        ("ZENA_RISK_STAGE_DAYS", "lead"),
        ("ZENA_RISK_STAGE_DAYS", "leed=14"),
        ("ZENA_RISK_STAGE_DAYS", "lead=soon"),
        ("ZENA_RISK_STAGE_DAYS", "lead=14,lead=15"),
        ("ZENA_RISK_MINUTES", "0"),
        ("ZENA_LLM_BASE_URL", "localhost:8080"),
        ("ZENA_LLM_BASE_URL", "https://user:password@example.org/v1"),
        ("ZENA_LLM_BASE_URL", "https://example.org/v1?key=secret"),
        ("ZENA_LLM_MODEL", "one-without-the-other"),
        ("ZENA_LLM_TIMEOUT_SECONDS", "0"),
        ("ZENA_LOG_LEVEL", "loud"),
        ("ZENA_JWT_ALGORITHM", "none"),
        ("ZENA_JWT_ALGORITHM", "RS256"),
        ("ZENA_ALLOW_URL_TOKEN", "yes please"),
        ("ZENA_ALLOW_URL_TOKEN", "2"),
        ("ZENA_DATABASE_URL", "postgresql://localhost/zena"),
        ("ZENA_DATABASE_URL", "/var/lib/zena.db"),
        ("ZENA_DATABASE_URL", "sqlite://zena.db"),
        ("ZENA_DATABASE_URL", "sqlite:///"),
    ],
)
def test_wrong_value_stops_the_start_with_one_line_that_names_its_variable(variable: str, text: str) -> None:
    assert variable in complaint({variable: text})


def test_first_wrong_value_is_named_and_shown() -> None:
    message = complaint({"ZENA_PORT": "eighty", "ZENA_HOST": "0.0.0.0"})  # noqa: S104  # only read
    assert "'eighty'" in message
    assert "ZENA_HOST" not in message


def test_value_of_several_lines_is_complained_about_in_one() -> None:
    assert "ZENA_PORT" in complaint({"ZENA_PORT": "80\nINFO forged line"})


def test_thresholds_of_risk_are_read_from_their_text() -> None:
    usual = Settings().risk_thresholds
    assert list(usual.silence_days) == [3, 5, 10]
    assert list(usual.messages_per_week) == [2, 1, 0.5]
    assert usual.stage_days["conditional"] == 45
    chosen = read_settings({"ZENA_RISK_SILENCE_DAYS": "1, 2,3", "ZENA_RISK_STAGE_DAYS": "lead=7, offer = 3"})
    assert list(chosen.risk_thresholds.silence_days) == [1, 2, 3]
    assert chosen.risk_thresholds.stage_days == {"lead": 7, "offer": 3}


def test_a_model_needs_an_address_and_a_name() -> None:
    url = "http://127.0.0.1:11434/v1"
    settings = read_settings({"ZENA_LLM_BASE_URL": url, "ZENA_LLM_MODEL": "small:8b"})
    assert (settings.llm_base_url, settings.llm_model) == (url, "small:8b")
    assert "ZENA_LLM_MODEL" in complaint({"ZENA_LLM_BASE_URL": url})
    assert "ZENA_LLM_BASE_URL" in complaint({"ZENA_LLM_MODEL": "small:8b"})


def test_a_key_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    message = complaint({"ZENA_LLM_API_KEY": "sk-first\nsk-second"})
    assert "ZENA_LLM_API_KEY" in message
    assert "sk-" not in message


# --- where the database is ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"ZENA_DATA_DIR": "/srv/zena"}, "/srv/zena/zena.db"),
        ({"ZENA_DATABASE_URL": "sqlite:////srv/other.db"}, "/srv/other.db"),
        ({"ZENA_DATABASE_URL": "sqlite:///other.db", "ZENA_DATA_DIR": "/srv"}, "other.db"),
        ({"DATABASE_URL": "sqlite:////srv/host.db"}, "/srv/host.db"),
    ],
)
def test_database_path(environment: dict[str, str], path: str) -> None:
    assert read_settings(environment).database_path == Path(path)


# --- aliases ------------------------------------------------------------------------------------


def test_what_hosts_set_is_taken_unless_ours_is_set() -> None:
    assert read_settings({"PORT": "5000"}).port == 5000
    assert read_settings({"PORT": "5000", "ZENA_PORT": "6000"}).port == 6000
    assert read_settings({"HOST": "example.org"}).host == Settings().host


def test_alias_that_is_wrong_is_named_itself() -> None:
    message = complaint({"PORT": "eighty"})
    assert message.startswith("PORT ")


# --- secrets ------------------------------------------------------------------------------------


def test_secret_can_come_from_a_file_and_loses_its_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    for field in SECRETS:
        variable = f"ZENA_{field.upper()}"
        assert getattr(read_settings({f"{variable}_FILE": str(path)}), field) == SECRET
        both = {f"{variable}_FILE": str(path), variable: "mine"}
        assert getattr(read_settings(both), field) == "mine"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00binary"])
def test_secret_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    for field in SECRETS:
        message = complaint({f"ZENA_{field.upper()}_FILE": str(path)})
        assert f"ZENA_{field.upper()}_FILE" in message
        assert str(path) in message
        assert "binary" not in message
    assert "ZENA_JWT_SECRET_FILE" in complaint({"ZENA_JWT_SECRET_FILE": str(tmp_path)})


def test_only_secrets_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1234")
    assert read_settings({"ZENA_PORT_FILE": str(tmp_path / "port")}).port == Settings().port


@pytest.mark.parametrize("secret", ["", "short-secret-of-30-bytes-xxxxx"])
def test_secret_that_will_not_do_is_refused_without_being_shown(secret: str) -> None:
    settings = read_settings({"ZENA_JWT_SECRET": secret})
    with pytest.raises(ConfigurationError) as caught:
        settings.require_jwt_secret()
    message = str(caught.value)
    assert "ZENA_JWT_SECRET" in message
    assert "openssl" in message
    assert not secret or secret not in message


def test_secret_of_32_bytes_will_do_and_bytes_are_what_counts() -> None:
    assert Settings(jwt_secret="x" * 32).require_jwt_secret() == "x" * 32
    assert Settings(jwt_secret="é" * 16).require_jwt_secret() == "é" * 16


def test_secrets_are_not_shown_when_settings_are() -> None:
    settings = Settings(jwt_secret=SECRET, secret_keys="key-that-opens-mailboxes", host="example.org")
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert SECRET not in shown
        assert "key-that-opens-mailboxes" not in shown
        assert "example.org" in shown


def test_every_setting_that_sounds_secret_is_treated_as_one() -> None:
    for field in Settings.__struct_fields__:
        if re.search("secret|password|api_key|_keys?$", field):
            assert field in SECRETS


# --- lists --------------------------------------------------------------------------------------


def test_lists_are_parted_by_commas_or_spaces() -> None:
    settings = Settings(allowed_origins="https://a.example, https://b.example ,", secret_keys="new,old")
    assert settings.origins == {"https://a.example", "https://b.example"}
    assert settings.fernet_keys == ("new", "old")
    assert Settings().origins == frozenset()


# --- documentation ------------------------------------------------------------------------------


def test_description_lists_every_setting_with_its_default_and_what_it_means() -> None:
    rows = describe_settings()
    assert [name for name, _, _ in rows] == [f"ZENA_{field.upper()}" for field in Settings.__struct_fields__]
    defaults = {f"ZENA_{field.name.upper()}": field.default for field in msgspec.structs.fields(Settings)}
    for name, default, meaning in rows:
        assert default == str(defaults[name])
        assert len(meaning) > 5


@pytest.mark.parametrize("variable", [*(name for name, _, _ in describe_settings()), *ALIASES.values()])
def test_every_variable_is_documented(variable: str) -> None:
    assert re.search(rf"\b{variable}\b", OPERATIONS.read_text())


def test_no_variable_is_documented_that_does_not_exist() -> None:
    known = {name for name, _, _ in describe_settings()}
    known |= {f"ZENA_{field.upper()}_FILE" for field in SECRETS}
    mentioned = set(re.findall(r"\bZENA_[A-Z_]+[A-Z]\b", OPERATIONS.read_text()))
    assert mentioned - known <= {"ZENA_TEST_REQUIRE", "ZENA_SPAM_CORPUS"}

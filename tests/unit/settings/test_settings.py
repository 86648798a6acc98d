"""Settings: each has a default, a range and a name; what is wrong is said by its name."""

from pathlib import Path

import pytest

from streams.clock import DAY_MS, HOUR_MS
from streams.errors import SettingError
from streams.settings import LogFormat, LogLevel, Settings, load_settings
from streams.settings.model import describe

BAD_VARIABLES = [
    ("PAYWEIR_PARTITIONS", "many", "'many' is not a whole number from 1 to 1024"),
    ("PAYWEIR_PARTITIONS", "0", "0 is not a whole number"),
    ("PAYWEIR_PARTITIONS", "1025", "1025 is not"),
    ("PAYWEIR_PARTITIONS", "2.5", "'2.5' is not a whole number"),
    ("PAYWEIR_PARTITIONS", "", "'' is not a whole number"),
    ("PAYWEIR_SOURCE_PARTITIONS", "-1", "-1 is not"),
    ("PAYWEIR_REPLICATION_FACTOR", "0", "0 is not"),
    ("PAYWEIR_EPOCH", "0", "0 is not"),
    ("PAYWEIR_BOOTSTRAP", "localhost", "'localhost' is not host:port"),
    ("PAYWEIR_BOOTSTRAP", "localhost:99999", "is not host:port"),
    ("PAYWEIR_BOOTSTRAP", "a:1,,b:2", "is not host:port"),
    ("PAYWEIR_BOOTSTRAP", "http://a:1", "is not host:port"),
    ("PAYWEIR_PREFIX", "two words", "is not a name"),
    ("PAYWEIR_PREFIX", "", "is not a name"),
    ("PAYWEIR_STORE_URL", "mysql://u:hunter2@h/d", "this value is not sqlite:///FILE or postgresql://"),
    ("PAYWEIR_LATENESS", "3", "'3' is not a length of time"),
    ("PAYWEIR_LATENESS", "3 weeks", "is not a length of time"),
    ("PAYWEIR_LATENESS", "1s", "1s is not a length of time from 1m to 365d"),
    ("PAYWEIR_ACTIVITY_RETENTION", "6d", "6d is not a length of time from 7d"),
    ("PAYWEIR_HISTORY", "maybe", "'maybe' is not true or false"),
    ("PAYWEIR_METRICS", "2", "is not true or false"),
    ("PAYWEIR_METRICS_HOST", "a b", "is not a host name"),
    ("PAYWEIR_METRICS_PORT", "65536", "65536 is not"),
    ("PAYWEIR_METRICS_PORT", "-1", "-1 is not"),
    ("PAYWEIR_INTAKE_IDLE_SECONDS", "0", "is not a number of seconds from 0.1 to 3600"),
    ("PAYWEIR_INTAKE_IDLE_SECONDS", "nan", "is not a number of seconds"),
    ("PAYWEIR_BATCH_RECORDS_MAX", "0", "0 is not"),
    ("PAYWEIR_BATCH_BYTES_MAX", "1023", "1023 is not"),
    ("PAYWEIR_SESSION_TIMEOUT_SECONDS", "31", "is not a number of seconds from 1 to 30"),
    ("PAYWEIR_ANNOUNCE_SECONDS", "-0.1", "is not a number of seconds"),
    ("PAYWEIR_LOG_LEVEL", "loud", "'loud' is not one of debug, info, warning, error"),
    ("PAYWEIR_LOG_FORMAT", "xml", "'xml' is not one of json, text"),
    ("PAYWEIR_SECURITY_PROTOCOL", "tls", "'tls' is not one of plaintext, ssl, sasl_plaintext, sasl_ssl"),
    ("PAYWEIR_SASL_MECHANISM", "gssapi", "is not one of scram-sha-512, scram-sha-256, plain"),
    ("PAYWEIR_SASL_USER", "two words", "is not a user name"),
    ("PAYWEIR_KAFKA_CA_FILE", "a\nb", "is not a file"),
    ("PAYWEIR_INSTANCE_ID", "a/b", "is not nothing or a name"),
    ("PAYWEIR_PARTITION", "8", "there is no such setting; did you mean PAYWEIR_PARTITIONS?"),
    ("PAYWEIR_XYZZY", "8", "there is no such setting"),
]
BAD_ENTRIES = [
    ('partitions = "8"', "partitions in", "'8' is not a whole number"),
    ("partitions = true", "partitions in", "True is not a whole number"),
    ("partitions = 8.0", "partitions in", "8.0 is not a whole number"),
    ("lateness = 3", "lateness in", "3 is not a length of time from 1m to 365d, like 90s, 24h or 3d, in quotes"),
    ("lateness_ms = 3", "lateness_ms", "did you mean lateness?"),
    ('history = "true"', "history in", "'true' is not true or false"),
    ("history = 1", "history in", "1 is not true or false"),
    ("log_level = 10", "log_level in", "10 is not one of"),
    ("bootstrap = 9092", "bootstrap in", "9092 is not host:port"),
    ("announce_seconds = true", "announce_seconds in", "True is not a number of seconds"),
    ("[kafka]\nbootstrap = 'a:1'", "kafka", "there is no such setting"),
    ("partitions = ", "PAYWEIR_CONFIG", "is not TOML"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD_VARIABLES, ids=lambda value: str(value)[:40])
def test_a_bad_variable_is_refused_by_its_name(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(environment={name: text})
    assert str(caught.value).startswith(f"{name}: ")
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("text", "start", "message"), BAD_ENTRIES)
def test_a_bad_entry_of_the_file_is_refused_by_its_name(tmp_path: Path, text: str, start: str, message: str) -> None:
    (tmp_path / "payweir.toml").write_text(text)
    with pytest.raises(SettingError) as caught:
        load_settings(environment={"PAYWEIR_CONFIG": str(tmp_path / "payweir.toml")})
    assert str(caught.value).startswith(start)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "payweir.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"^PAYWEIR_CONFIG: "):
        load_settings(environment={"PAYWEIR_CONFIG": str(path)})


def test_without_anything_the_defaults_stand() -> None:
    settings = load_settings(environment={"HOME": "/nowhere", "PAYWEIR_TEST_BOOTSTRAP": "of the rig"})
    assert settings == Settings()
    assert (settings.bootstrap, settings.lateness_ms, settings.metrics_port) == ("127.0.0.1:9092", 3 * DAY_MS, 9464)


def test_what_is_told_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "payweir.toml").write_text("partitions = 2\nsource_partitions = 2\nepoch = 2\nlateness = '2h'\n")
    environment = {
        "PAYWEIR_CONFIG": str(tmp_path / "payweir.toml"), "PAYWEIR_PARTITIONS": "3", "PAYWEIR_SOURCE_PARTITIONS": "3",
    }  # fmt: skip
    settings = load_settings({"partitions": 4, "epoch": None}, environment)
    found = (settings.partitions, settings.source_partitions, settings.epoch, settings.lateness_ms)
    assert found == (4, 3, 2, 2 * HOUR_MS)


def test_what_a_command_was_told_is_checked_too() -> None:
    with pytest.raises(SettingError, match=r"^partitions: 0 is not"):
        load_settings({"partitions": 0}, {})


def test_words_are_read_as_people_write_them() -> None:
    environment = {
        "PAYWEIR_HISTORY": "Yes", "PAYWEIR_METRICS": "off", "PAYWEIR_LOG_LEVEL": "WARNING", "PAYWEIR_LOG_FORMAT": "json",
        "PAYWEIR_ANNOUNCE_SECONDS": "0.5", "PAYWEIR_BOOTSTRAP": "a:1, [::1]:2",
    }  # fmt: skip
    settings = load_settings(environment=environment)
    assert (settings.history, settings.metrics, settings.announce_seconds) == (True, False, 0.5)
    assert (settings.log_level, settings.log_format) == (LogLevel.WARNING, LogFormat.JSON)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://payweir:hunter2@localhost:5432/payweir",
        "postgresql+psycopg://payweir:hunter2@db/payweir?sslmode=require",
        "postgresql://db/payweir?user=payweir&password=hunter2&sslmode=require",
        "postgresql://payweir:hunter2@a:1,b:2/payweir",
        "postgresql://payweir:hunter2%40x@db/payweir",
        "postgresql://payweir:hun@ter2hunter2@db/payweir",
    ],
)
def test_no_password_is_ever_shown(url: str) -> None:
    settings = Settings(store_url=url)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in f"{settings}"
    assert "store_url=postgresql" in repr(settings)
    assert settings.store_url == url


def test_every_setting_has_a_range_a_meaning_and_a_default_within_it() -> None:
    for one in describe():
        one.kind.check(one.default)
        assert one.meaning.endswith(".")
        assert one.kind.range
        assert one.kind.from_text(one.kind.show(one.default)) == one.default


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SECURITY_PROTOCOL": "sasl_ssl"}, "PAYWEIR_SASL_USER: needed"),
        ({"SECURITY_PROTOCOL": "sasl_ssl", "SASL_USER": "a"}, "PAYWEIR_SASL_PASSWORD_FILE: needed"),
        ({"SASL_USER": "a"}, "PAYWEIR_SASL_USER: not used when security_protocol is plaintext"),
        ({"KAFKA_CA_FILE": "a.pem"}, "PAYWEIR_KAFKA_CA_FILE: not used"),
        ({"SECURITY_PROTOCOL": "ssl", "KAFKA_KEY_FILE": "a.key"}, "PAYWEIR_KAFKA_CERTIFICATE_FILE: needs kafka_key_file"),
        (
            {
                "SECURITY_PROTOCOL": "sasl_plaintext", "SASL_USER": "a", "SASL_PASSWORD_FILE": "b", "SASL_MECHANISM": "plain",
            },
            "PAYWEIR_SASL_MECHANISM: plain would send the password in the open",
        ),
    ],
)  # fmt: skip
def test_settings_of_security_that_do_not_belong_together_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(environment={f"PAYWEIR_{name}": text for name, text in settings.items()})
    assert str(caught.value).startswith(message)

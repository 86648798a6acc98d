"""How every client of Kafka proves who it is and whom it trusts, from the settings; workers and tools take the same."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.errors import SettingError
from streams.settings import SecurityProtocol, Settings

_ENCRYPTED: Final = (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)
_NAMED: Final = (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


def client_security(settings: Settings) -> Mapping[str, object]:
    """Give the options of a client, the same words in aiokafka and kafka-python; nothing for a broker in the open.

    Reads the files the settings name. Raises SettingError naming the setting whose file cannot be used. The password is in the
    result, so the result goes to a client and nowhere else.
    """
    protocol = settings.security_protocol
    options: dict[str, object] = {}
    if protocol is not SecurityProtocol.PLAINTEXT:
        options["security_protocol"] = protocol.value.upper()
    if protocol in _ENCRYPTED:
        options["ssl_context"] = _tls(settings)
    if protocol in _NAMED:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism.value.upper(),
            "sasl_plain_username": settings.sasl_user,
            "sasl_plain_password": _password(settings.sasl_password_file),
        }
    return options


def _tls(settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's name checked against its certificate; there is no setting to switch that off."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.kafka_ca_file:
            context = ssl.create_default_context(cafile=settings.kafka_ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
    except OSError as error:  # an SSLError is one
        raise SettingError(f"kafka_ca_file: {settings.kafka_ca_file} cannot be used: {_why(error)}") from None
    if settings.kafka_certificate_file:
        pair = settings.kafka_certificate_file, settings.kafka_key_file
        try:
            # A key under a passphrase would ask for it at the terminal; an empty one is refused instead.
            context.load_cert_chain(*pair, password="")
        except OSError as error:
            raise SettingError(f"kafka_certificate_file: {' with '.join(pair)} cannot be used: {_why(error)}") from None
    return context


def _password(name: str) -> str:
    """Give the file's text without the line's end that editors add."""
    try:
        text = Path(name).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = _why(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingError(f"sasl_password_file: {name} cannot be read: {why}") from None
    if not text or "\n" in text:
        raise SettingError(f"sasl_password_file: {name} holds {'more than one line' if text else 'no password'}")
    return text


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__

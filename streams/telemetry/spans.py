"""Spans of OpenTelemetry: none unless a collector is named; then one per batch, tied to the spans its records came from."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

from streams.errors import SettingError

Headers = tuple[tuple[str, bytes], ...]
"""Headers of a Kafka record."""


class Spans:
    """Makes no spans and sends no headers; ``streams.telemetry.otel`` makes real ones."""

    def batch(
        self,
        about: Mapping[str, object],  # noqa: ARG002 - for those who make some
        carried: Iterable[Headers],  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """Surround the handling of one batch; ``about`` are the fields of its log lines, ``carried`` the headers of its records."""
        return nullcontext()

    def headers(self) -> Headers:
        """Give what records sent now must carry, so that who reads them can go on with this span."""
        return ()


NO_SPANS = Spans()


def open_spans(url: str, role: str) -> Spans:
    """Send the spans of a worker to a collector (OTLP over HTTP); none are made without a URL.

    Does not connect: a collector that is away costs spans and nothing else. Raises ``SettingError`` when the extra is missing.
    """
    if not url:
        return NO_SPANS
    try:
        from streams.telemetry.otel import collected  # noqa: PLC0415 - an extra, and a quarter of a second
    except ImportError as missing:
        raise SettingError(
            f"traces_url: {missing.name} is missing; install it with: pip install 'payweir[traces]'"
        ) from None
    return collected(url, role)

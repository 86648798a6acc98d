"""Settings: typed once, read once, from the environment or a TOML file; topic names of the design."""

from streams.settings.load import CONFIG_NAME, load_settings
from streams.settings.model import LogFormat, LogLevel, SaslMechanism, SecurityProtocol, Settings

__all__ = ["CONFIG_NAME", "LogFormat", "LogLevel", "SaslMechanism", "SecurityProtocol", "Settings", "load_settings"]

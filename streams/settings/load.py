"""Reading settings: what a command was told wins over the environment, that over the file, that over the defaults."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from streams.errors import SettingError
from streams.settings.model import Setting, Settings, describe

PREFIX: Final = "PAYWEIR_"
CONFIG_NAME: Final = "PAYWEIR_CONFIG"
TEST_PREFIX: Final = "PAYWEIR_TEST_"
"""Variables of the test rig; no worker reads them."""


def load_settings(told: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process. Raises ``SettingError`` naming the setting; a password is never repeated.

    ``told`` are the command's own options by attribute of ``Settings``, already of their type; None means not told.
    ``environment`` is the process's own unless given.
    """
    variables = os.environ if environment is None else environment
    from_file = _from_file(variables.get(CONFIG_NAME))
    told = {name: value for name, value in (told or {}).items() if value is not None}
    values = from_file | _from_environment(variables) | told
    try:
        return Settings(**values)  # type: ignore[arg-type]  # Settings checks every value itself
    except SettingError as error:
        field, colon, reason = str(error).partition(":")
        if field in told or field in from_file:
            raise
        named = {one.field: one.variable for one in describe()}
        raise SettingError(named.get(field, field) + colon + reason) from None


def _from_environment(variables: Mapping[str, str]) -> dict[str, object]:
    known = {one.variable: one for one in describe()}
    values: dict[str, object] = {}
    for name, text in sorted(variables.items()):
        if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX) or name == CONFIG_NAME:
            continue
        one = known.get(name)
        if one is None:
            raise SettingError(f"{name}: there is no such setting{_nearest(name, known)}")
        values[one.field] = _read(one, name, text, from_file=False)
    return values


def _from_file(name: str | None) -> dict[str, object]:
    if not name:
        return {}
    try:
        entries = tomllib.loads(Path(name).read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"{CONFIG_NAME}: {name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError(f"{CONFIG_NAME}: {name} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{CONFIG_NAME}: {name} is not TOML: {error}") from None
    known = {one.name: one for one in describe()}
    values: dict[str, object] = {}
    for key, value in entries.items():
        one = known.get(key)
        if one is None:
            raise SettingError(f"{key}: there is no such setting in {name}{_nearest(key, known)}")
        values[one.field] = _read(one, f"{key} in {name}", value, from_file=True)
    return values


def _read(one: Setting, name: str, given: object, *, from_file: bool) -> object:
    try:
        value = one.kind.from_file(given) if from_file else one.kind.from_text(str(given))
        one.kind.check(value)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from None
    return value


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""

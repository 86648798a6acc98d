"""Rights on the broker, from a file: user, kind of resource, name, operations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from msgspec import Struct

from streams.agents.clients import admin_client
from streams.errors import TopicError, UsageError
from streams.settings import Settings

_KINDS: Final = {
    "topics": ResourceType.TOPIC, "groups": ResourceType.GROUP, "transactional_ids": ResourceType.TRANSACTIONAL_ID,
}  # fmt: skip
_OPERATIONS: Final = {
    one.name.lower(): one
    for one in (
        ACLOperation.READ,
        ACLOperation.WRITE,
        ACLOperation.CREATE,
        ACLOperation.DESCRIBE,
        ACLOperation.DESCRIBE_CONFIGS,
    )
}
"""Nothing that deletes or alters: no program of ours does."""


class Right(Struct, frozen=True):
    """A user may do one thing with one resource, or with all whose names begin alike."""

    user: str
    kind: str
    name: str
    """With ``*`` at its end, all that begin so."""
    operation: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.user}: {self.operation} {self.kind} {self.name}"


class RightGiven(Struct, frozen=True):
    """What ``allow`` did about one right."""

    right: Right
    made: bool
    """False: it was there."""


def read_rights(path: Path) -> list[Right]:
    """Read the file; raises UsageError naming the place of the first thing in it that is not understood."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    return list(_rights(path, content))


def allow(settings: Settings, rights: list[Right]) -> list[RightGiven]:
    """Give the rights that are missing; takes none away. Raises BrokerUnreachable, or TopicError when we may not give any."""
    with admin_client(settings) as admin:
        there, fault = admin.describe_acls(_EVERY)
        if fault.errno:
            raise TopicError(f"{settings.bootstrap}: the rights cannot be read: {fault.__name__}")
        known = {_key(one) for one in there}
        wanted = [(right, _entry(right)) for right in rights]
        missing = [entry for _right, entry in wanted if _key(entry) not in known]
        failed = admin.create_acls(missing)["failed"] if missing else []
    if failed:
        entry, error = failed[0]
        raise TopicError(f"{settings.bootstrap}: {len(failed)} rights were refused, the first is {entry}: {error}")
    return [RightGiven(right, _key(entry) not in known) for right, entry in wanted]


_EVERY: Final = ACLFilter(
    None, None, ACLOperation.ANY, ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)  # fmt: skip


def _rights(path: Path, content: object) -> Iterator[Right]:
    for user, kinds in _entries(content, f"{path}: the file"):
        for kind, names in _entries(kinds, f"{path}: {user}"):
            if kind not in _KINDS:
                raise UsageError(f"{path}: {user}: there is no kind {kind!r}; write one of {', '.join(_KINDS)}")
            for name, operations in _entries(names, f"{path}: {user}: {kind}"):
                place = f"{path}: {user}: {kind}: {name}"
                if not isinstance(operations, list) or not operations:
                    raise UsageError(f"{place}: write a list of operations")
                for operation in operations:
                    if operation not in _OPERATIONS:
                        known = ", ".join(_OPERATIONS)
                        raise UsageError(f"{place}: there is no operation {operation!r}; write one of {known}")
                    yield Right(user, kind, name, operation)


def _entries(value: object, place: str) -> list[tuple[str, object]]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{place}: must be names with something behind each")
    return list(value.items())


def _entry(right: Right) -> ACL:
    """Kafka's own word for it; a lone ``*`` is a literal name there that means every resource."""
    begins = right.name.endswith("*") and right.name != "*"
    kind = ACLResourcePatternType.PREFIXED if begins else ACLResourcePatternType.LITERAL
    pattern = ResourcePattern(_KINDS[right.kind], right.name[:-1] if begins else right.name, kind)
    return ACL(f"User:{right.user}", "*", _OPERATIONS[right.operation], ACLPermissionType.ALLOW, pattern)


def _key(entry: ACL) -> tuple[object, ...]:
    pattern = entry.resource_pattern
    return (
        entry.principal, entry.host, entry.operation, entry.permission_type, pattern.resource_type, pattern.resource_name,
        pattern.pattern_type,
    )  # fmt: skip

"""Every error Payweir raises on purpose, in one tree; each message says what the reader can do.

::

    PayweirError
    ├── UsageError             a wrong argument or file name                  exit code 2
    │   └── SettingError       a setting is missing or out of range           exit code 2
    ├── WorkConflict           somebody else changed the alert meanwhile      exit code 1
    ├── RuleError              a rule file or ruleset cannot be used          exit code 1
    ├── ServiceError           broker or store cannot be reached              exit code 3
    │   ├── BrokerUnreachable
    │   ├── StoreUnreachable
    │   ├── StoreOutdated      schema of the store is older or newer than this program
    │   └── RulesetRefused     a ruleset in force is not one this program can use
    ├── TopicError             topics differ from the design                  exit code 1
    ├── LogError               a record of an internal topic cannot be read   ends the process
    │   └── FormatError        another version of Payweir wrote it            ends the process
    │       └── FormatOutdated no longer read; made anew if the log goes back so far
    ├── EngineError            the engine itself failed on a record           ends the process
    └── ZombieError            another worker owns what this one writes       exit code 73
"""


class PayweirError(Exception):
    """Base of all errors that are shown to a user as one line, without a stack trace."""

    exit_code = 1


class UsageError(PayweirError):
    """The command was called with something it cannot use."""

    exit_code = 2


class SettingError(UsageError):
    """A setting is missing, of the wrong type or out of range; the message starts with its name."""


class WorkConflict(PayweirError):
    """Somebody else changed the alert since it was looked at; the message says who, when and what, and how to insist."""


class RuleError(PayweirError):
    """A ruleset was not accepted; the one in force, if any, still runs."""


class ServiceError(PayweirError):
    """A service the command needs does not answer."""

    exit_code = 3


class BrokerUnreachable(ServiceError):
    """No Kafka broker answers at the given address."""


class StoreUnreachable(ServiceError):
    """The SQL store does not answer at the given URL."""


class StoreOutdated(ServiceError):
    """The schema of the store does not match this program; run ``payweir store upgrade``."""


class RulesetRefused(ServiceError):
    """A ruleset in force is missing, damaged, or of another version of Payweir: publish it again, or run the version that knows it.

    A worker waits, since the log cannot be judged without it and a restart would find the same.
    """


class TopicError(PayweirError):
    """Topics are missing or differ from the design; run ``payweir topics check``."""


class LogError(PayweirError):
    """A record of an internal topic cannot be read: another program wrote there, or a newer Payweir."""


class FormatError(LogError):
    """A record of an internal topic has the format of another version of Payweir; run that version or a newer one."""


class FormatOutdated(FormatError):
    """A snapshot of a format that this version no longer reads; it is made anew from the log if that still has everything."""


class EngineError(PayweirError):
    """The engine failed on a record of the activity log; at the third attempt the record is left out for this subject."""

    def __init__(self, offset: int, subject_kind: int, subject: str, cause: BaseException) -> None:
        """``subject`` is whom the engine was busy with; kind -1 means the record as a whole."""
        super().__init__(
            f"the engine failed at offset {offset} with subject {subject_kind}:{subject!r}: {type(cause).__name__}: {cause}"
        )
        self.offset, self.subject_kind, self.subject = offset, subject_kind, subject


class ZombieError(PayweirError):
    """Another worker has taken over a partition this one still writes for; a restart reads the truth."""

"""Names of the topics. They are part of the contract with integrators and therefore no setting."""

from typing import Final

PAYMENTS: Final = "payments"
SETTLEMENTS: Final = "settlements"
FRAUD_REPORTS: Final = "fraud-reports"
ACCOUNTS: Final = "accounts"
SOURCES: Final = (PAYMENTS, SETTLEMENTS, FRAUD_REPORTS, ACCOUNTS)
"""What integrators write: any key, one JSON object a record."""
WATERMARKED: Final = (PAYMENTS, SETTLEMENTS)
"""Sources whose time drives deadlines; reports and reference data have none of their own."""

ACTIVITY: Final = "activity"
"""One ordered log per partition: everything that may change a result."""
ALERTS: Final = "alerts"
"""What detection says; a payment hub may read it to hold a payment."""
DEAD_LETTERS: Final = "dead-letters"
"""Raw bytes of refused records; only intake and operators may read it."""
RETRY_HEADER: Final = "payweir-retry"
"""Header of a record that ``payweir dead-letters retry`` fed again, and of the note beside its letter."""
RULESETS: Final = "rulesets"
"""Texts of rulesets by digest."""
SNAPSHOTS: Final = "snapshots"
"""State of every activity partition as of some offset, key by key, and the manifest that makes a whole of it."""

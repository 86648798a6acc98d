"""What views share: masked texts, amounts in major units, and the few things the two databases write differently."""

from dataclasses import dataclass
from typing import Final

from streams.money import EXPONENTS

OPEN: Final = "('open', 'working')"
"""States of people's work in which there is something left to do."""
CLOSED: Final = "('confirmed', 'dismissed', 'inconclusive')"
IN_FORCE: Final = "('standing', 'provisional')"
ACTIVE: Final = f"a.engine_state IN {IN_FORCE} AND NOT a.shadow"
TO_DO: Final = f"a.status IN {OPEN} AND {ACTIVE}"
"""What the partial index ``ix_alerts_open`` holds, in its words."""
DAYS_LOOKED_BACK: Final = 30
"""How far the views look back that tell what recurs, what was held back and what is on trial."""


@dataclass(frozen=True)
class Words:
    """SQL in the words of one database."""

    dialect: str

    @property
    def postgresql(self) -> bool:
        """Whether there are the tables that triggers keep; SQLite counts when it is asked."""
        return self.dialect == "postgresql"

    @property
    def now(self) -> str:
        """Give the wall clock; on PostgreSQL the start of the transaction, which the planner knows."""
        return "now()" if self.postgresql else "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

    def before(self, moment: str, count: int, unit: str) -> str:
        """Give the time so many hours or days before a moment; after it for a count below 0."""
        if self.postgresql:
            return f"({moment} - interval '{count} {unit}')"
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', {moment}, '{-count:+d} {unit}')"

    def hour(self, moment: str) -> str:
        """Give the beginning of the hour, by UTC, in which a moment lies."""
        return (
            f"date_trunc('hour', {moment}, 'UTC')" if self.postgresql else f"substr({moment}, 1, 13) || ':00:00.000Z'"
        )

    def bytewise(self, column: str) -> str:
        """Compare a text as bytes, which is several times faster than by the rules of a language."""
        return f'{column} COLLATE "C"' if self.postgresql else column

    def nothing(self, kind: str) -> str:
        """Give NULL as a moment or a document."""
        types = {"moment": "timestamptz", "document": "jsonb"} if self.postgresql else {}
        return f"CAST(NULL AS {types.get(kind, 'text')})"

    def document(self, key: str, value: str) -> str:
        """Give rows of keys and values as one JSON object; NULL for none."""
        if self.postgresql:
            return f"jsonb_object_agg({key}, {value})"
        return f"nullif(json_group_object({key}, {value}), '{{}}')"

    def millis(self, later: str, earlier: str) -> str:
        """Give the milliseconds between two moments."""
        if self.postgresql:
            return f"CAST(round(extract(epoch FROM {later} - {earlier}) * 1000) AS bigint)"
        return f"CAST(round((julianday({later}) - julianday({earlier})) * 86400000) AS integer)"

    def pairs(self, document: str, name: str) -> str:
        """Give the members of a JSON object as rows ``name.key``, ``name.value``."""
        if self.postgresql:
            return f"jsonb_each_text({document}) AS {name}(key, value)"
        return f"json_each({document}) AS {name}"

    def items(self, document: str, name: str) -> str:
        """Give the members of a JSON list as rows ``name.value``."""
        if self.postgresql:
            return f"jsonb_array_elements_text({document}) AS {name}(value)"
        return f"json_each({document}) AS {name}"

    @property
    def log_time(self) -> str:
        """Give how far the log has come in event time: the clock to measure event times against, in history as live."""
        return "(SELECT coalesce(max(w.watermark), (SELECT max(l.last_hit) FROM alerts l)) FROM watermarks w)"

    @property
    def bucket(self) -> str:
        """Give the bucket of the table ``recurrence`` in which the days looked back lie whole."""
        start = self.before(self.log_time, DAYS_LOOKED_BACK, "days")
        return f"CAST(floor(extract(epoch FROM {start}) / 2678400) AS integer)"

    def lately(self, moment: str) -> str:
        """Say that an event time lies in the days looked back.

        The upper border is there for PostgreSQL's planner: of a range with two unknown ends it thinks it is narrow, and takes the
        index; of one with one end that it is a third of the table. A day is left for what runs ahead of the watermark.
        """
        start = self.before(self.log_time, DAYS_LOOKED_BACK, "days")
        return f"{moment} >= {start} AND {moment} <= {self.before(self.log_time, -1, 'days')}"


def major(amount: str, currency: str) -> str:
    """Give the SQL for an amount in major units, for display; NULL for a code outside ISO 4217."""
    cases = []
    for places in sorted(set(EXPONENTS.values())):
        codes = ", ".join(f"'{code}'" for code, exponent in sorted(EXPONENTS.items()) if exponent == places)
        cases.append(f"WHEN {currency} IN ({codes}) THEN {10**places}.0")
    return f"round({amount} / CASE {' '.join(cases)} END, 4)"


def rank(severity: str) -> str:
    """Give a number that sorts severities: 4 for critical, 1 for low."""
    return f"CASE {severity} WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END"


def named(rank_: str) -> str:
    """Give the severity of a rank."""
    return f"CASE {rank_} WHEN 4 THEN 'critical' WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END"


def masked_text(column: str, alert: str = "a") -> str:
    """Give a text about an alert with its subject masked."""
    return (
        f"CASE WHEN length({alert}.subject) >= 8 THEN replace({column}, {alert}.subject, {alert}.subject_masked) "
        f"ELSE {column} END"
    )

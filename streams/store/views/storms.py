"""Views for storms: hours in which one rule says so much that people would no longer see the rest.

A matter of how alerts are shown, not of what is kept: every alert is in SQL as ever. Reckoned from the alerts people still have
to do, when asked; so a storm grows smaller as they work, and nothing need be kept in step with withdrawals and dispositions.
"""

# ruff: noqa: S608 - put together from constants of this package only

from collections.abc import Callable
from typing import Final

from streams.detection.rule import STORM_ALERTS
from streams.store.views.words import DAYS_LOOKED_BACK, IN_FORCE, TO_DO, Words, major, named, rank

NEWEST: Final = 3
"""How many alerts a storm's line names."""

_LIMITS: Final = "SELECT q.storms FROM ruleset_partitions p JOIN rulesets q ON q.digest = p.digest"


def _beyond(words: Words) -> str:
    """Give the alerts that storms' lines stand for: look for full hours in an index alone, and number only the alerts of these.

    CASE keeps PostgreSQL from joining with all alerts: there are few to ask about, and an index answers for each.
    """
    of_hour = f"""a.rule_id = s.rule_id AND a.first_hit >= s.hour_from
        AND a.first_hit < {words.before("s.hour_from", -1, "hours")} AND {TO_DO}"""
    each = f"JOIN alerts a ON {of_hour}"
    if words.postgresql:  # which cannot know how few hours there are, and would read all that is to do
        each = f"CROSS JOIN LATERAL (SELECT * FROM alerts a WHERE {of_hour} OFFSET 0) a"
    limits = f"({_LIMITS} ORDER BY p.from_time DESC, p.digest LIMIT 1)"
    elsewhere = f"""EXISTS (SELECT 1 FROM alerts o WHERE o.subject = n.subject AND o.subject_kind = n.subject_kind
        AND o.rule_id <> n.rule_id AND NOT o.shadow AND o.engine_state IN {IN_FORCE}
        AND o.last_hit >= {words.before("n.first_hit", DAYS_LOOKED_BACK, "days")}
        AND o.first_hit <= {words.before("n.last_hit", -DAYS_LOOKED_BACK, "days")})"""
    return f"""SELECT n.* FROM (
    SELECT a.alert_id, a.rule_id, a.title, a.severity, a.typology, a.status, a.assigned_to, a.subject_kind, a.subject,
        a.amount_minor, a.amount_currency, a.first_hit, a.last_hit, a.first_stored_at, s.hour_from, s.shown,
        row_number() OVER (PARTITION BY a.rule_id, s.hour_from ORDER BY a.first_hit, a.alert_id) AS place
    FROM (
        SELECT c.rule_id, c.hour_from, coalesce(l.shown, {STORM_ALERTS}) AS shown FROM (
            SELECT a.rule_id, {words.hour("a.first_hit")} AS hour_from, count(*) AS alerts FROM alerts a WHERE {TO_DO}
            GROUP BY 1, 2
        ) c LEFT JOIN (
            SELECT r.key AS rule_id, CAST(r.value AS integer) AS shown FROM {limits} q, {words.pairs("q.storms", "r")}
        ) l ON l.rule_id = c.rule_id
        WHERE coalesce(l.shown, {STORM_ALERTS}) > 0 AND c.alerts > coalesce(l.shown, {STORM_ALERTS})
    ) s {each}
) n
WHERE n.place > n.shown AND n.severity <> 'critical' AND n.status = 'open' AND n.assigned_to IS NULL
    AND CASE WHEN {elsewhere} THEN 0 ELSE 1 END = 1"""


def _gathered(words: Words) -> str:
    """Give one row for each storm, of the rows of ``folded``."""
    ids = [f"max(CASE WHEN f.from_end = {n} THEN f.alert_id END)" for n in range(1, NEWEST + 1)]
    newest = " || ".join([ids[0], *(f"coalesce(' ' || {each}, '')" for each in ids[1:])])
    return f"""SELECT f.rule_id, f.hour_from, max(f.title) AS title, max(f.typology) AS typology,
    {named(f"max({rank('f.severity')})")} AS severity, max({rank("f.severity")}) AS severity_rank,
    max(f.subject_kind) AS subject_kind, count(*) AS alerts,
    count(DISTINCT {words.bytewise("f.subject")}) AS subjects, max(f.shown) AS shown,
    (SELECT {words.document("m.currency", "m.amount_minor")} FROM (
        SELECT g.amount_currency AS currency, CAST(sum(g.amount_minor) AS bigint) AS amount_minor FROM folded g
        WHERE g.rule_id = f.rule_id AND g.hour_from = f.hour_from AND g.amount_minor IS NOT NULL GROUP BY g.amount_currency
    ) m) AS amounts_minor,
    min(f.first_hit) AS first_hit, max(f.last_hit) AS last_hit, min(f.first_stored_at) AS first_stored_at,
    {newest} AS newest
FROM (
    SELECT d.*, row_number() OVER (PARTITION BY d.rule_id, d.hour_from ORDER BY d.place DESC) AS from_end FROM folded d
) f GROUP BY f.rule_id, f.hour_from"""


def _folded(words: Words) -> str:
    return f"SELECT f.alert_id, f.rule_id, f.hour_from, f.place FROM ({_beyond(words)}) f"


def _storms(words: Words) -> str:
    return f"WITH folded AS ({_beyond(words)})\n{_gathered(words)}"


def _queue(words: Words) -> str:
    """Have the lines and the storms look at what is folded once."""
    return f"""WITH folded AS ({_beyond(words)}), storms AS ({_gathered(words)})
SELECT 'alert' AS line, a.alert_id, a.rule_id, a.title, a.severity, {rank("a.severity")} AS severity_rank,
    a.typology, a.status, a.assigned_to, a.subject_kind, a.subject_masked,
    a.amount_minor, a.amount_currency, {major("a.amount_minor", "a.amount_currency")} AS amount_major,
    a.first_hit, a.last_hit, a.first_stored_at, coalesce(a.reason_masked, a.reason) AS reason,
    CAST(1 AS bigint) AS alerts, CAST(1 AS bigint) AS subjects, {words.nothing("moment")} AS hour_from,
    {words.nothing("document")} AS amounts_minor, CAST(NULL AS text) AS newest
FROM alerts a WHERE {TO_DO} AND a.alert_id NOT IN (SELECT f.alert_id FROM folded f)
UNION ALL
SELECT 'storm', NULL, s.rule_id, s.title, s.severity, s.severity_rank, s.typology, 'open', NULL, s.subject_kind, NULL,
    NULL, NULL, NULL, s.first_hit, s.last_hit, s.first_stored_at,
    'A storm. Alerts beyond the first ' || s.shown || ' of this rule and hour: ' || s.alerts || '; subjects: ' || s.subjects
    || '. v_folded names them', s.alerts, s.subjects, s.hour_from, s.amounts_minor, s.newest
FROM storms s"""


VIEWS: Final[dict[str, Callable[[Words], str]]] = {
    "v_folded": _folded,
    "v_storms": _storms,
    "v_queue": _queue,
}

"""Views of rules: how they do, what they were held back by, what they are silent about."""

# ruff: noqa: S608 - put together from constants of this package only

from collections.abc import Callable
from typing import Final

from streams.store.views.words import CLOSED, DAYS_LOOKED_BACK, IN_FORCE, Words, masked_text

DAYS_OF_PRECISION: Final = 90
_HOURS_NEAR: Final = 24
"""An alert of a shadow rule and one of an active rule tell of the same thing when their hits are a day apart or nearer."""


_NAMES: Final = """WITH RECURSIVE names(rule_id) AS (
        SELECT min(n.rule_id) FROM alerts n
        UNION ALL
        SELECT (SELECT min(n.rule_id) FROM alerts n WHERE n.rule_id > names.rule_id) FROM names
        WHERE names.rule_id IS NOT NULL
    ) SELECT names.rule_id FROM names WHERE names.rule_id IS NOT NULL"""
"""The rules that have alerts, by one look into an index each; DISTINCT would read all alerts."""
_COUNTED: Final = "SELECT n.rule_id, n.engine_state, n.shadow, count(*) AS number FROM alerts n GROUP BY 1, 2, 3"
_KEPT: Final = "SELECT n.rule_id, n.engine_state, n.shadow, n.alerts AS number FROM alert_counts n"


def _rules(words: Words) -> str:
    return f"""SELECT r.rule_id, coalesce(a.standing, 0) AS standing, coalesce(a.provisional, 0) AS provisional,
    coalesce(a.withdrawn, 0) AS withdrawn, coalesce(a.held, 0) AS held, coalesce(a.shadow, 0) AS shadow,
    coalesce(c.undecided, 0) AS undecided, coalesce(c.errors, 0) AS errors,
    (SELECT max(h.last_hit) FROM alerts h WHERE h.rule_id = r.rule_id) AS last_hit
FROM (
    SELECT k.rule_id FROM ({_NAMES}) k UNION SELECT rule_id FROM rule_counters
    UNION SELECT i.value FROM rulesets s, {words.items("s.rule_ids", "i")}
) r
LEFT JOIN (
    SELECT rule_id,
        CAST(sum(number) FILTER (WHERE engine_state = 'standing' AND NOT shadow) AS bigint) AS standing,
        CAST(sum(number) FILTER (WHERE engine_state = 'provisional' AND NOT shadow) AS bigint) AS provisional,
        CAST(sum(number) FILTER (WHERE engine_state = 'withdrawn' AND NOT shadow) AS bigint) AS withdrawn,
        CAST(sum(number) FILTER (WHERE engine_state = 'held' AND NOT shadow) AS bigint) AS held,
        CAST(sum(number) FILTER (WHERE engine_state <> 'withdrawn' AND shadow) AS bigint) AS shadow
    FROM ({_KEPT if words.postgresql else _COUNTED}) counted GROUP BY rule_id
) a ON a.rule_id = r.rule_id
LEFT JOIN (
    SELECT rule_id, CAST(sum(undecided) AS bigint) AS undecided, CAST(sum(errors) AS bigint) AS errors
    FROM rule_counters GROUP BY rule_id
) c ON c.rule_id = r.rule_id"""


def _precision(words: Words) -> str:
    def of(status: str) -> str:
        return f"coalesce(CAST(sum(c.alerts) FILTER (WHERE c.status = '{status}') AS bigint), 0)"

    decided = "nullif(sum(c.alerts) FILTER (WHERE c.status IN ('confirmed', 'dismissed')), 0)"
    return f"""SELECT c.rule_id, c.shadow, CAST(sum(c.alerts) AS bigint) AS closed, {of("confirmed")} AS confirmed,
    {of("dismissed")} AS dismissed, {of("inconclusive")} AS inconclusive,
    round(1.0 * {of("confirmed")} / {decided}, 4) AS precision_ratio, max(c.status_at) AS last_closed_at
FROM (
    SELECT a.rule_id, a.shadow, a.status, count(*) AS alerts, max(a.status_at) AS status_at FROM alerts a
    WHERE a.status_at >= {words.before(words.now, DAYS_OF_PRECISION, "days")} AND a.status IN {CLOSED}
    GROUP BY a.rule_id, a.shadow, a.status
) c GROUP BY c.rule_id, c.shadow"""


def _silent(words: Words) -> str:
    """Look at the rules of the set that came into force last; hits of shadow rules count as hits."""
    newest = "(SELECT max(p.from_time) FROM ruleset_partitions p)"
    return f"""SELECT s.rule_id, s.last_hit, s.in_force_since, s.log_time,
    {words.millis("s.log_time", "coalesce(s.last_hit, s.in_force_since)")} / 86400000 AS silent_days,
    coalesce((SELECT CAST(sum(c.undecided) AS bigint) FROM rule_counters c WHERE c.rule_id = s.rule_id), 0) AS undecided
FROM (
    SELECT r.rule_id, {words.log_time} AS log_time,
        (SELECT max(a.last_hit) FROM alerts a WHERE a.rule_id = r.rule_id) AS last_hit,
        (SELECT min(p.from_time) FROM ruleset_partitions p, rulesets q, {words.items("q.rule_ids", "i")}
            WHERE q.digest = p.digest AND i.value = r.rule_id) AS in_force_since
    FROM (
        SELECT DISTINCT i.value AS rule_id FROM ruleset_partitions p, rulesets q, {words.items("q.rule_ids", "i")}
        WHERE q.digest = p.digest AND p.from_time = {newest}
    ) r
) s WHERE coalesce(s.last_hit, s.in_force_since) <= {words.before("s.log_time", DAYS_LOOKED_BACK, "days")}"""


def _trials(words: Words) -> str:
    near = f"""EXISTS (SELECT 1 FROM alerts o WHERE o.subject = a.subject AND o.subject_kind = a.subject_kind
        AND NOT o.shadow AND o.engine_state IN {IN_FORCE}
        AND o.first_hit <= {words.before("a.last_hit", -_HOURS_NEAR, "hours")}
        AND o.last_hit >= {words.before("a.first_hit", _HOURS_NEAR, "hours")})"""
    return f"""SELECT t.rule_id, t.typology, t.severity, count(*) AS shadow_alerts,
    count(*) FILTER (WHERE t.known) AS also_active, count(*) FILTER (WHERE NOT t.known) AS shadow_only,
    count(*) FILTER (WHERE t.status = 'confirmed') AS confirmed, count(*) FILTER (WHERE t.status = 'dismissed') AS dismissed,
    coalesce(max(o.alerts), 0) AS active_of_typology, max(t.last_hit) AS last_hit
FROM (
    SELECT a.rule_id, a.typology, a.severity, a.status, a.last_hit, {near} AS known
    FROM alerts a WHERE a.shadow AND a.engine_state IN {IN_FORCE} AND {words.lately("a.last_hit")}
) t LEFT JOIN (
    SELECT o.typology, count(*) AS alerts FROM alerts o
    WHERE NOT o.shadow AND o.engine_state IN {IN_FORCE} AND {words.lately("o.last_hit")} GROUP BY o.typology
) o ON o.typology = t.typology GROUP BY t.rule_id, t.typology, t.severity"""


def _held_back(words: Words) -> str:
    """Of hits within one bucket of the cool-down the first makes the alert; the others are what the cool-down held back."""
    return f"""SELECT b.rule_id, b.held_by, count(*) AS alerts, CAST(sum(b.hits) AS bigint) AS hits,
    max(b.last_hit) AS last_hit
FROM (
    SELECT a.rule_id, {masked_text("a.held_by")} AS held_by, a.hits, a.last_hit
    FROM alerts a WHERE a.engine_state = 'held' AND NOT a.shadow AND {words.lately("a.last_hit")}
    UNION ALL
    SELECT a.rule_id, 'cool-down', a.hits - 1, a.last_hit
    FROM alerts a WHERE a.engine_state IN {IN_FORCE} AND NOT a.shadow AND a.hits > 1 AND {words.lately("a.last_hit")}
) b GROUP BY b.rule_id, b.held_by"""


def _rulesets(_: Words) -> str:
    return """SELECT p.digest, p.activity_partition, p.from_time, s.rule_count, p.stored_at, p.shadow_until, p.approved_by,
    p.emergency
FROM ruleset_partitions p JOIN rulesets s ON s.digest = p.digest"""


VIEWS: Final[dict[str, Callable[[Words], str]]] = {
    "v_rules": _rules,
    "v_rule_precision": _precision,
    "v_rules_silent": _silent,
    "v_rule_trials": _trials,
    "v_held_back": _held_back,
    "v_rulesets": _rulesets,
}

"""What Grafana makes of a query before it sends it: variables and macros, as its documentation of the PostgreSQL source says."""

import re
from dataclasses import dataclass
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Look:
    """Somebody looks at a dashboard: from when to when (RFC 3339), with which values of the variables."""

    start: str
    end: str
    interval: str
    chosen: dict[str, tuple[str, ...]]


def expand(sql: str, look: Look) -> str:
    """Give the SQL that PostgreSQL gets; raises ValueError for a macro or variable that Grafana would not know either."""
    sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda found: _quoted(look, found[1]), sql)
    sql = sql.replace("$__interval", look.interval)
    sql = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 BETWEEN '{look.start}' AND '{look.end}'", sql)
    sql = re.sub(
        r"\$__timeGroupAlias\(([\w.]+),\s*'?(\d+)([smhd])'?\)",
        lambda found: (
            f"floor(extract(epoch from {found[1]})/{int(found[2]) * _SECONDS[found[3]]})"
            f'*{int(found[2]) * _SECONDS[found[3]]} AS "time"'
        ),
        sql,
    )
    if "$" in sql:
        message = f"nothing expands {sql[sql.index('$') :][:40]!r}"
        raise ValueError(message)
    return sql


def _quoted(look: Look, name: str) -> str:
    if name not in look.chosen:
        message = f"there is no variable {name!r}"
        raise ValueError(message)
    return ",".join("'" + value.replace("'", "''") + "'" for value in look.chosen[name])

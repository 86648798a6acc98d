"""Whoever may only read the views sees no account: a whole generated stream, the role of a dashboard, every row it can get."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from streams.cli.run import load_programs
from streams.events.model import OUTSIDE_TOKENS
from streams.replay.files import open_inputs
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.run import RunPlan, run_files
from streams.store import Store, open_store, upgrade
from streams.store.casework import Change, Status, place_hold, set_alert
from streams.store.reader import AlertFilter, list_alerts
from tests.rig.cluster import FAR_MS
from tests.rig.samples import PAYMENT, changed

pytestmark = pytest.mark.integration
RULES = Path(__file__).parents[2] / "rules"


def tokens_of(line: object) -> set[str]:
    """Give every account, device and merchant named in an event."""
    if isinstance(line, dict):
        own = {
            v
            for k, v in line.items()
            if k in {"account_token", "device_token", "merchant_token"} and isinstance(v, str)
        }
        return own.union(*(tokens_of(value) for value in line.values()))
    return set().union(*(tokens_of(value) for value in line)) if isinstance(line, list) else set()


def fill(store: Store, folder: Path) -> set[str]:
    """Run a stream with bad records into the store, let people work; give all tokens that were in it."""
    generate(GeneratorSettings(3, 10_000), folder)
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_bytes().splitlines()]
    seen = set().union(*(tokens_of(msgspec.json.decode(line)) for line in lines)) - OUTSIDE_TOKENS - {""}
    debtor = PAYMENT["debtor"]
    assert isinstance(debtor, dict)
    twice = changed(PAYMENT, creditor=debtor)
    payments = folder / "payments.jsonl"
    payments.write_bytes(payments.read_bytes() + b"\n".join([twice, twice[: len(twice) // 2], b"[]"]) + b"\n")
    seen |= tokens_of(debtor)
    plan = RunPlan(load_programs(RULES), store.write, lambda _done, _found: None, FAR_MS)
    run_files(open_inputs([str(folder)]), plan)
    for alert in list_alerts(store, AlertFilter(limit=50)):
        set_alert(
            store,
            alert.alert_id,
            Change("lin", Status.CONFIRMED, note=f"{alert.subject} again, see IBAN GB29NWBK60161331926819"),
        )
        place_hold(store, alert.alert_id, f"order about {alert.subject}", "lin")
    return {token for token in seen if len(token) >= 8}


def test_no_account_is_in_any_row_a_dashboard_may_read(database_url: str, tmp_path: Path) -> None:
    role = f"grafana_{make_url(database_url).database}"
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
    upgrade(database_url, role)
    with open_store(database_url) as store:
        accounts = fill(store, tmp_path / "stream")
    readable, seen, hidden = [], "", ""
    with engine.connect() as connection:
        names = inspect(connection).get_view_names() + inspect(connection).get_table_names()
        for name in names:
            rows = str(connection.execute(text(f"SELECT t::text FROM {name} t")).scalars().all())
            if connection.execute(text(f"SELECT has_table_privilege('{role}', '{name}', 'SELECT')")).scalar():
                readable.append(name)
                seen += rows
            else:
                hidden += rows
        connection.rollback()
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
        connection.commit()
    engine.dispose()
    assert sorted(readable) == sorted(name for name in names if name.startswith("v_"))
    assert len(seen) > 100_000
    assert sorted(account for account in accounts if account in hidden), "the tables show them: the search can find one"
    assert "GB29NWBK60161331926819" in hidden
    assert [account for account in sorted(accounts) if account in seen] == []
    assert "GB29NWBK60161331926819" not in seen

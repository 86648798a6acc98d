"""What the report desk writes: victims' reports, stops, recalls, list entries, and the end of any of them."""

from random import Random

from streams.clock import HOUR_MS, to_datetime
from streams.events.model import Confidence, FraudReportEvent, ReportedTransaction, ReportType
from streams.replay.generator.payments import Paid, identifier


def report_event(paid: Paid, kind: ReportType, at_ms: int, case_ref: str, rng: Random) -> FraudReportEvent:
    """Report a payment and the account it went to; four of five name the payment by its ids, the rest by its ends.

    An emergency stop lasts 48 hours (Yinfa [2016] 86).
    """
    plan = paid.transfer
    victim, suspect = plan.debtor.token, plan.creditor.token
    stop = kind is ReportType.STOP_PAYMENT
    alleged = kind in (ReportType.VICTIM_REPORT, ReportType.RECALL)
    at = to_datetime(at_ms)
    by_ends = ReportedTransaction(None, None, None, victim, suspect, plan.amount_minor, to_datetime(paid.settled_ms))
    return FraudReportEvent(
        event_id=identifier(rng),
        schema_version=1,
        source="report-desk",
        event_time=at,
        report_id=f"r{rng.getrandbits(64):016x}",
        type=kind,
        reported_at=at,
        received_at=at,
        case_ref=case_ref,
        confidence=Confidence.ALLEGED if alleged else Confidence.POLICE,
        fraud_type="INVESTMENT_PLATFORM",
        victim_account_token=victim,
        transactions=() if kind is ReportType.LIST_ENTRY else by_ids(paid) if rng.random() < 0.8 else (by_ends,),  # noqa: PLR2004
        suspect_account_tokens=(suspect,),
        reported_amount_minor=plan.amount_minor,
        currency=plan.currency,
        stop_started_at=at if stop else None,
        stop_expires_at=to_datetime(at_ms + 48 * HOUR_MS) if stop else None,
    )


def by_ids(paid: Paid) -> tuple[ReportedTransaction]:
    """Point at a payment by all its ids."""
    return (ReportedTransaction(paid.payment_id, paid.uetr, paid.end_to_end_id),)


def release_event(ended: FraudReportEvent, at_ms: int, rng: Random) -> FraudReportEvent:
    """End an earlier report."""
    at = to_datetime(at_ms)
    return FraudReportEvent(
        event_id=identifier(rng),
        schema_version=1,
        source="report-desk",
        event_time=at,
        report_id=f"r{rng.getrandbits(64):016x}",
        type=ReportType.RELEASE,
        reported_at=at,
        received_at=at,
        case_ref=ended.case_ref,
        confidence=Confidence.POLICE,
        supersedes=ended.report_id,
    )

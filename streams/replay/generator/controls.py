"""Fraud told by who sits behind the accounts: one address, one telephone, one hand, one that was warned before."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_datetime, to_datetime
from streams.events.model import AccountReferenceEvent, AccountStatus, IpClass, PartyType, ReportType
from streams.replay.generator.draws import below, between
from streams.replay.generator.mules import YUAN, plain, transit
from streams.replay.generator.population import Address, Holder, contacts, reference
from streams.replay.generator.story import Case, Role, Subject, Typology

_HUBS: Final = ("KH", "KH", "MM", "LA")
"""Countries with scam compounds (UNODC, January 2024)."""


def address(case: Case, name: str, kind: IpClass, country: str = "CN") -> Address:
    """Make a network address of the instance."""
    made = case.names.address(f"{case.scenario_id} {name}", kind, country)
    case.belongs("ip", made.token)
    return made


def shared_ip(case: Case) -> Subject:
    """R31: six to ten customers pay over one address at home or in a data centre within a day. Faint: three or four."""
    rng = case.rng
    room = address(case, "room", (IpClass.RESIDENTIAL, IpClass.HOSTING)[case.number % 2])
    for number in range(between(rng, 3, 4) if case.faint else between(rng, 6, 10)):
        mule = replace(case.fresh(f"mule {number}"), address=room)
        for _ in range(between(rng, 1, 2)):
            at = case.start_ms + below(rng, 20 * HOUR_MS)
            (payee,) = case.people(1)
            case.pay(plain(mule, payee, between(rng, 3, 80) * 100 * YUAN, at), Role.L1_MULE)
    return "ip", room.token


def remote_operator(case: Case) -> Subject:
    """R24: a mule's payments come from a country of scam compounds, or from a network that hides where they come from.

    Faint: too little money for a mule.
    """
    rng = case.rng
    hidden = case.number % 3 == 2  # noqa: PLR2004 - every third
    kind = (IpClass.VPN_TOR, IpClass.HOSTING)[below(rng, 2)] if hidden else IpClass.RESIDENTIAL
    country = ("SG", "NL")[below(rng, 2)] if hidden else _HUBS[below(rng, len(_HUBS))]
    mule = replace(case.fresh("mule"), address=address(case, "hub", kind, country))
    if not case.faint:
        transit(case, mule)
        return "account", mule.token
    at = case.start_ms
    for number, victim in enumerate(case.people(2)):
        credit = case.pay(plain(victim, mule, between(rng, 8, 40) * 100 * YUAN, at), Role.VICTIM)
        leaves = credit.settled_ms + between(rng, 30, 200) * MINUTE_MS
        out = credit.transfer.amount_minor * between(rng, 85, 95) // 100
        case.pay(plain(mule, case.fresh(f"payee {number}"), out, leaves), Role.L1_MULE)
        at = leaves + between(rng, 60, 400) * MINUTE_MS
    return "account", mule.token


def shared_contact(case: Case) -> Subject:
    """R33: within some days four to seven strangers open accounts under one telephone number or e-mail address. Faint: two."""
    rng = case.rng
    token = case.names.token(f"{case.scenario_id} contact")
    case.belongs("contact", token)
    for number in range(2 if case.faint else between(rng, 4, 7)):
        holder = case.unknown(f"opened {number}")
        since = case.start_ms + between(rng, 0, 5 * 24 * 60) * MINUTE_MS
        opened = reference(holder, since, f"{case.scenario_id} opened {number}", case.names)
        case.post(contacts(opened, phone=token) if case.number % 2 else contacts(opened, email=token), Role.L1_MULE)
    return "contact", token


def coordinated_burst(case: Case) -> Subject:
    """R34: six to ten accounts in one room pay one collector within twenty minutes; every third time with one telephone.

    Faint: three or four.
    """
    rng = case.rng
    room = address(case, "room", (IpClass.RESIDENTIAL, IpClass.HOSTING)[below(rng, 2)])
    device = case.unknown("herder").device if case.number % 3 == 2 else None  # noqa: PLR2004 - every third
    collector = case.fresh("collector")
    for number in range(between(rng, 3, 4) if case.faint else between(rng, 6, 10)):
        mule = replace(case.fresh(f"mule {number}", device=device), address=room)
        at = case.start_ms + below(rng, 20 * MINUTE_MS)
        case.pay(plain(mule, collector, between(rng, 5, 90) * 100 * YUAN, at), Role.L1_MULE)
    return ("ip", room.token) if device is None else ("device", device)


def restricted_continues(case: Case) -> Subject:
    """R35: somebody's account is stopped for fraud; a day or two later another of his accounts passes money on.

    Faint: too little of it.
    """
    rng = case.rng
    stopped, other = two_accounts(case)
    (victim,) = case.people(1)
    credit = case.pay_aside(plain(victim, stopped, between(rng, 30, 400) * 100 * YUAN, case.start_ms))
    stop = case.desk(credit, ReportType.STOP_PAYMENT, credit.settled_ms + between(rng, 20, 300) * MINUTE_MS)
    case.post(stop, Role.L1_MULE)
    case.aside(standing(case, stopped, AccountStatus.STOPPED, from_datetime(stop.event_time) + 30 * SECOND_MS))
    later = case.later(from_datetime(stop.event_time) + between(rng, 10, 50) * HOUR_MS)
    if not case.faint:
        transit(later, other)
        return "account", other.token
    (payer,) = case.people(1)
    receipt = case.pay(plain(payer, other, between(rng, 20, 90) * 100 * YUAN, later.start_ms), Role.VICTIM)
    out = receipt.transfer.amount_minor * between(rng, 92, 99) // 100
    leaves = receipt.settled_ms + between(rng, 20, 90) * MINUTE_MS
    case.pay(plain(other, case.fresh("payee"), out, leaves), Role.L1_MULE)
    return "account", other.token


def two_accounts(case: Case) -> tuple[Holder, Holder]:
    """Open two accounts of one party."""
    one, two = case.unknown("one"), case.unknown("two")
    two = replace(two, account=replace(two.account, party_token=one.account.party_token), device=one.device)
    case.belongs("party", one.account.party_token or "")
    for name, holder in (("one", one), ("two", two)):
        case.register(holder, between(case.rng, 40, 700), name)
    return one, two


def standing(case: Case, holder: Holder, status: AccountStatus, since_ms: int) -> AccountReferenceEvent:
    """Write that an account stands otherwise from a moment on, without sending it."""
    event = reference(holder, case.start_ms - 30 * DAY_MS, f"{case.scenario_id} {status} {holder.token}", case.names)
    since = to_datetime(since_ms)
    return replace(event, status=status, event_time=since, valid_from=since)


def carrier_nat(case: Case) -> Subject:
    """Let a dozen or two customers of a telephone company pay over the one address it gives them all."""
    return _crowd_at(case, IpClass.CARRIER_NAT, (12, 24))


def office_network(case: Case) -> Subject:
    """Let colleagues pay for their lunch over the network of their office."""
    return _crowd_at(case, IpClass.OFFICE, (6, 12))


def household_network(case: Case) -> Subject:
    """Let a family of three or four pay over its router, one of them from his other account too."""
    return _crowd_at(case, IpClass.RESIDENTIAL, (3, 4))


def _crowd_at(case: Case, kind: IpClass, count: tuple[int, int]) -> Subject:
    rng = case.rng
    place = address(case, "place", kind)
    for number in range(between(rng, *count)):
        customer = replace(case.fresh(f"customer {number}"), address=place)
        for payee in case.people(between(rng, 1, 2)):
            at = case.start_ms + below(rng, 20 * HOUR_MS)
            case.pay(plain(customer, payee, between(rng, 2, 90) * 10 * YUAN, at), Role.NORMAL)
    return "ip", place.token


def traveller(case: Case) -> Subject:
    """Let somebody on a journey through the countries of the compounds pay his hotel and his meals, and nothing else."""
    rng = case.rng
    place = address(case, "hotel", (IpClass.RESIDENTIAL, IpClass.VPN_TOR)[below(rng, 2)], _HUBS[below(rng, len(_HUBS))])
    person = replace(case.fresh("traveller"), address=place)
    for payee in case.people(between(rng, 5, 8)):
        at = case.start_ms + below(rng, 4 * DAY_MS)
        case.pay(plain(person, payee, between(rng, 3, 90) * 10 * YUAN, at), Role.NORMAL)
    return "account", person.token


def family_telephone(case: Case) -> Subject:
    """Let a mother's telephone stand for her own account and, opened over the years, those of two children and her mother."""
    rng = case.rng
    token = case.names.token(f"{case.scenario_id} contact")
    case.belongs("contact", token)
    for number, days in enumerate((between(rng, 900, 2_000), between(rng, 300, 800), between(rng, 40, 200), 0)):
        holder = case.unknown(f"member {number}")
        since = case.start_ms - days * DAY_MS
        opened = reference(holder, since, f"{case.scenario_id} member {number}", case.names)
        case.post(contacts(opened, phone=token), Role.NORMAL)
    return "contact", token


def dormitory(case: Case) -> Subject:
    """Let students who move into one house open accounts within days: one address, each with a telephone of his own."""
    rng = case.rng
    token = case.names.token(f"{case.scenario_id} address")
    case.belongs("contact", token)
    for number in range(between(rng, 5, 9)):
        holder = case.unknown(f"student {number}")
        since = case.start_ms + between(rng, 0, 5 * 24 * 60) * MINUTE_MS
        opened = reference(holder, since, f"{case.scenario_id} student {number}", case.names)
        case.post(contacts(opened, phone=case.names.token(f"{case.scenario_id} {number}"), home=token), Role.NORMAL)
    return "contact", token


def ticket_drop(case: Case) -> Subject:
    """Let friends in one flat buy tickets at the same shop the minute they go on sale."""
    rng = case.rng
    flat = address(case, "flat", IpClass.RESIDENTIAL)
    shop = case.fresh("ticket shop", PartyType.MERCHANT)
    device = case.unknown("table").device
    for number in range(between(rng, 3, 4)):
        friend = replace(case.fresh(f"friend {number}", device=device), address=flat)
        for _ in range(2):
            at = case.start_ms + below(rng, 180 * SECOND_MS)
            case.pay(plain(friend, shop, between(rng, 180, 980) * YUAN, at), Role.NORMAL)
    return "ip", flat.token


def lifted_restriction(case: Case) -> Subject:
    """Let somebody whose account was stopped by mistake, and released the same day, live on as before with both of his."""
    rng = case.rng
    stopped, other = two_accounts(case)
    (payer,) = case.people(1)
    credit = case.pay_aside(plain(payer, stopped, between(rng, 5, 60) * 100 * YUAN, case.start_ms))
    stop = case.desk(credit, ReportType.STOP_PAYMENT, credit.settled_ms + between(rng, 20, 300) * MINUTE_MS)
    case.post(stop, Role.NORMAL)
    at = from_datetime(stop.event_time) + between(rng, 5, 20) * HOUR_MS
    case.aside(standing(case, stopped, AccountStatus.STOPPED, from_datetime(stop.event_time) + 30 * SECOND_MS))
    case.post(case.released(stop, at), Role.NORMAL)
    case.aside(standing(case, stopped, AccountStatus.ACTIVE, at + 30 * SECOND_MS))
    for number, payee in enumerate(case.people(6)):
        at += between(rng, 60, 600) * MINUTE_MS
        case.pay(plain((stopped, other)[number % 2], payee, between(rng, 3, 90) * 10 * YUAN, at), Role.NORMAL)
    return "account", other.token


SHARED_IP: Final = Typology("shared_ip", "shared-ip", shared_ip, has_faint=True)
REMOTE_OPERATOR: Final = Typology("remote_operator", "remote-operator", remote_operator, has_faint=True)
SHARED_CONTACT: Final = Typology("shared_contact", "shared-contact", shared_contact, has_faint=True)
COORDINATED_BURST: Final = Typology("coordinated_burst", "coordinated-burst", coordinated_burst, has_faint=True)
RESTRICTED_CONTINUES: Final = Typology(
    "restricted_continues", "restricted-continues", restricted_continues, has_faint=True
)
CONTROLS: Final = (SHARED_IP, REMOTE_OPERATOR, SHARED_CONTACT, COORDINATED_BURST, RESTRICTED_CONTINUES)
CONTROL_NEAR_MISSES: Final = tuple(
    Typology(build.__name__, rule.rule_id, build, hard_negative=True)
    for rule, build in (
        (SHARED_IP, carrier_nat),
        (SHARED_IP, office_network),
        (SHARED_IP, household_network),
        (REMOTE_OPERATOR, traveller),
        (SHARED_CONTACT, family_telephone),
        (SHARED_CONTACT, dormitory),
        (COORDINATED_BURST, ticket_drop),
        (RESTRICTED_CONTINUES, lifted_restriction),
    )
)

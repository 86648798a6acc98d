"""The people, shops and companies of the stream: tokens, accounts, who knows whom. O(accounts) of memory, no more."""

from collections.abc import Iterator
from hashlib import blake2b
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from streams.clock import DAY_MS, to_datetime
from streams.events.model import Account, AccountReferenceEvent, IpClass, MerchantReference, PartyType
from streams.replay.generator.draws import below

CURRENCIES: Final = ("CNY",) * 17 + ("USD", "EUR", "JPY")
"""The currency of a person by index modulo 20: 85 % CNY."""
CONTACTS_MAX: Final = 7
POOLS: Final = 4
_OLDEST_DAYS: Final = 1_500
_SPREAD: Final = 617
"""A prime: ages of accounts go up and down with the index, while who pays most goes with it."""
_SHOP_CURRENCIES: Final = ("CNY",) * 5 + ("USD", "EUR", "JPY")
_COUNTRIES: Final = {"CNY": "CN", "USD": "US", "EUR": "DE", "JPY": "JP"}
_MCCS: Final = ("5411", "5812", "5912", "5999", "4121", "5541", "5732", "5651", "7832", "4900")
_BANKS: Final = 12


class Address(Struct, frozen=True):
    """A network address: its token, the country it is in, what kind of network it belongs to."""

    token: str
    country: str
    kind: IpClass


class Holder(Struct, frozen=True):
    """An account with what the stream tells of its owner; ``device`` is the one the owner pays with, ``address`` where from."""

    account: Account
    currency: str
    device: str | None = None
    merchant_id: str | None = None
    mcc: str | None = None
    payout: Account | None = None
    index: int = -1
    cycle: str = "T1"
    """When a merchant is paid out: T0 on the day itself, T1 on the day after."""
    address: Address | None = None

    @property
    def token(self) -> str:
        """The account's token."""
        return self.account.account_token


CASH: Final = Holder(Account("CASH"), "CNY")
EXTERNAL: Final = Holder(Account("EXTERNAL"), "CNY")


class Names:
    """Makes every token from the seed: a keyed hash of a name, 64 hexadecimal digits, as producers make theirs."""

    def __init__(self, seed: int) -> None:
        """One key per seed."""
        self._key = f"payweir generator {seed}".encode()

    def token(self, name: str) -> str:
        """Give the token of a name."""
        return blake2b(name.encode(), key=self._key, digest_size=32).hexdigest()

    def holder(self, name: str, party_type: PartyType, currency: str = "CNY", *, owner: str = "") -> Holder:
        """Make an account by name; ``owner`` names the party when it has several accounts."""
        token = self.token(f"account {name}")
        party = owner or name
        shop = party_type is PartyType.MERCHANT
        digits = int(token[:8], 16)
        account = self._account(name, party, party_type, currency)
        silent = shop or party_type in (PartyType.ORG, PartyType.PSP)
        return Holder(
            account,
            currency,
            None if silent else self.token(f"device {party}"),
            f"m-{token[:16]}" if shop else None,
            _MCCS[digits % len(_MCCS)] if shop else None,
            self._account(f"{name} payout", party, PartyType.ORG, currency) if shop else None,
            address=None if silent else self.address(f"home of {party}", IpClass.RESIDENTIAL, _COUNTRIES[currency]),
        )

    def address(self, name: str, kind: IpClass, country: str = "CN") -> Address:
        """Make a network address by name."""
        return Address(self.token(f"address {name}"), country, kind)

    def abroad(self, name: str, country: str) -> Holder:
        """Make an account of a person at a bank in another country."""
        home = self.holder(name, PartyType.PERSON).account
        account = Account(
            home.account_token,
            home.account_masked,
            "OTHER",
            home.party_token,
            PartyType.PERSON,
            f"PWBK{country}10",
            country,
        )
        return Holder(account, "CNY")

    def _account(self, name: str, party: str, party_type: PartyType, currency: str) -> Account:
        token = self.token(f"account {name}")
        digits = int(token[:8], 16)
        country = _COUNTRIES[currency]
        return Account(
            token,
            f"****{digits % 10_000:04d}",
            "IBAN" if currency == "EUR" else "BBAN",
            self.token(f"party {party}"),
            party_type,
            f"PWBK{country}{digits % _BANKS + 10}",
            country,
        )


class Population:
    """The background: people with steady contacts, shops, companies that pay salaries, licensed pools."""

    def __init__(self, names: Names, accounts: int) -> None:
        """Share out ``accounts``: of 32, one is a merchant's, one a company's, five are second accounts of people."""
        self.names = names
        shops = max(len(_SHOP_CURRENCIES), accounts // 32)
        self.people = max(3 * len(CURRENCIES), (accounts - 2 * shops) * 5 // 6)
        self._people: dict[int, Holder] = {}
        self._savings: dict[int, Holder] = {}
        self.shops = self._businesses("shop", PartyType.MERCHANT, shops)
        self.companies = self._businesses("company", PartyType.ORG, shops)
        self.pools = [names.holder(f"licensed pool {number}", PartyType.PSP) for number in range(POOLS)]

    def person(self, index: int) -> Holder:
        """Give a person's main account."""
        found = self._people.get(index)
        if found is None:
            currency = CURRENCIES[index % len(CURRENCIES)]
            party_type = PartyType.SOLE if index % 25 == 24 else PartyType.PERSON  # noqa: PLR2004 - one in 25 is a trader
            made = self.names.holder(f"person {index}", party_type, currency)
            address = self._address(index, _COUNTRIES[currency])
            found = self._people[index] = Holder(made.account, currency, made.device, index=index, address=address)
        return found

    def _address(self, index: int, country: str) -> Address:
        """Give the address a person pays from: mostly a carrier's, shared by hundreds; else home, mobile, office, campus."""
        names = self.names
        kind = index * _SPREAD % 20
        if kind < 11:  # noqa: PLR2004 - of 20, so many pay over a carrier's shared addresses (our estimate)
            return names.address(f"carrier {country} {index // 300}", IpClass.CARRIER_NAT, country)
        if kind < 16:  # noqa: PLR2004
            return names.address(f"household {country} {index // 20}-{kind // 2}", IpClass.RESIDENTIAL, country)
        if kind < 18:  # noqa: PLR2004
            return names.address(f"mobile {index}", IpClass.MOBILE, country)
        work = IpClass.OFFICE if kind == 18 else IpClass.CAMPUS  # noqa: PLR2004
        return names.address(f"{work} {country} {index // 400}", work, country)

    def savings(self, index: int) -> Holder:
        """Give the second account of a person, for every fifth index; same party, same device."""
        found = self._savings.get(index)
        if found is None:
            owner = self.person(index)
            party_type = owner.account.party_type or PartyType.PERSON
            found = self.names.holder(f"savings {index}", party_type, owner.currency, owner=f"person {index}")
            self._savings[index] = found
        return found

    def contact(self, index: int, rng: Random) -> Holder:
        """Pick one of the few people whom this person pays; so nobody has more than a handful of private payers."""
        kind = len(CURRENCIES)
        count = (self.people - index % kind + kind - 1) // kind
        step = 1 + below(rng, min(CONTACTS_MAX, count - 1))
        return self.person(index % kind + kind * ((index // kind + step) % count))

    def employer(self, person: Holder) -> Holder:
        """Give the company a person works for."""
        group = self.companies[person.currency]
        return group[person.index % len(group)]

    def exchange(self, payer: Holder) -> Holder:
        """Give the deposit account that an exchange keeps for this person."""
        return self.names.holder(f"exchange for {payer.token}", PartyType.VASP, payer.currency)

    def references(self, start_ms: int) -> Iterator[AccountReferenceEvent]:
        """Tell of every background account, as known some days before the stream starts."""
        for index in range(self.people):
            known_days = 1 + index * _SPREAD % _OLDEST_DAYS
            yield reference(self.person(index), start_ms - DAY_MS * known_days, f"person {index}", self.names)
            if index % 5 == 0:
                yield reference(
                    self.savings(index), start_ms - DAY_MS * (1 + index % 400), f"savings {index}", self.names
                )
        businesses = [*self.shops.values(), *self.companies.values(), self.pools]
        for number, holder in enumerate(holder for group in businesses for holder in group):
            yield reference(holder, start_ms - DAY_MS * (40 + number % 900), f"business {number}", self.names)

    def _businesses(self, kind: str, party_type: PartyType, count: int) -> dict[str, list[Holder]]:
        groups: dict[str, list[Holder]] = {currency: [] for currency in _COUNTRIES}
        for number in range(count):
            currency = _SHOP_CURRENCIES[number % len(_SHOP_CURRENCIES)]
            groups[currency].append(self.names.holder(f"{kind} {number}", party_type, currency))
        return groups


def contacts(
    event: AccountReferenceEvent, *, phone: str | None = None, email: str | None = None, home: str | None = None
) -> AccountReferenceEvent:
    """Tell under which telephone number, e-mail address and address the owner is registered."""
    return replace(event, phone_token=phone, email_token=email, address_token=home)


def reference(
    holder: Holder, since_ms: int, name: str, names: Names, payouts: tuple[str, ...] | None = None
) -> AccountReferenceEvent:
    """Tell of an account, valid from ``since_ms`` on; ``payouts`` replaces a merchant's own payout account."""
    account = holder.account
    since = to_datetime(since_ms)
    merchant = None
    if holder.merchant_id is not None and holder.payout is not None:
        registered = (holder.payout.account_token,) if payouts is None else payouts
        merchant = MerchantReference(holder.merchant_id, holder.mcc, since, registered, holder.cycle)
    return AccountReferenceEvent(
        event_id=names.token(f"reference {name}")[:32],
        schema_version=1,
        source="account-registry",
        event_time=since,
        account_token=account.account_token,
        party_token=account.party_token or account.account_token,
        party_type=account.party_type or PartyType.PERSON,
        opened_at=since,
        valid_from=since,
        account_masked=account.account_masked,
        home_country=account.country,
        merchant=merchant,
    )

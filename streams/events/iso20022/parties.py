"""Who pays and who receives: accounts, proxies and party ids of a message to ``Account``.

Identity of an account is (scheme, id, agent), written by ``token_of``:

- an IBAN as it is, without spaces and in capitals: it is unique in the world;
- any other number (``Othr``, ``BBAN``, ``UPIC``) as ``number@agent``, since banks number independently; without a known
  agent as ``number``;
- a proxy as ``TYPE:value`` (``TELE:+41..``), which names its account across banks;
- without any of these the party's own id, as ``SCHEME:id`` or ``id@agent``.

Without any id the side is ``EXTERNAL``, the world without data; a transaction with no id on either side is refused.
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from streams.events.iso20022.fields import Field, Record
from streams.events.model import Account, PartyType
from streams.events.refusals import Refusal, Refused

KEY_MAX: Final = 64
OUTSIDE: Final = "EXTERNAL"
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{4,30}")
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_MASK_MIN: Final = 8

Tokenise = Callable[[str], str]
"""From the text of an identity to the token that travels in events: the place for a keyed hash."""


def side_fields(side: str, party: str, account: str, agent: str, note: str = "") -> dict[str, Field]:
    """Give the fields of one side of a payment; ``party``, ``account`` and ``agent`` are alternatives parted by ``|``."""
    parties = [f"{each}{inner}" for each in party.split("|") for inner in ("/Id", "/Pty/Id")]
    accounts, agents = account.split("|"), [f"{each}/FinInstnId" for each in agent.split("|")]

    def paths(roots: list[str], *ends: str) -> tuple[str, ...]:
        return tuple(f"{root}/{end}" for end in ends for root in roots)

    token = f"{side}.account_token"
    return {
        f"{side}.iban": Field(token, paths(accounts, "Id/IBAN"), note),
        f"{side}.other": Field(token, paths(accounts, "Id/Othr/Id", "Id/BBAN", "Id/UPIC", "Id/PrtryAcct/Id"), "with its agent"),
        f"{side}.proxy": Field(token, paths(accounts, "Prxy/Id"), "where there is no account number"),
        f"{side}.proxy_type": Field(token, paths(accounts, "Prxy/Tp/Cd", "Prxy/Tp/Prtry")),
        f"{side}.party": Field(
            f"{side}.party_token", paths(parties, "OrgId/Othr", "PrvtId/Othr"),
            "the first one's `Id`, with its `SchmeNm/Cd` or `SchmeNm/Prtry`; the account's token where it has none",
        ),
        f"{side}.lei": Field(f"{side}.party_token", paths(parties, "OrgId/LEI"), "before any other id of the party"),
        f"{side}.party_bic": Field(
            f"{side}.party_token", paths(parties, "OrgId/AnyBIC", "OrgId/BICOrBEI", "OrgId/BEI", "OrgId/BIC"),
            "before any other id but the LEI"
        ),
        f"{side}.person": Field(
            f"{side}.party_type", paths(parties, "PrvtId/Othr/Id", "PrvtId/DtAndPlcOfBirth/BirthDt"),
            "PERSON when there", several=True
        ),
        f"{side}.bic": Field(
            f"{side}.agent_id", paths(agents, "BICFI", "BIC", "CmbndId/BIC"),
            "eight characters where the branch is XXX; country from it"
        ),
        f"{side}.member": Field(
            f"{side}.agent_id",
            paths(
                agents, "ClrSysMmbId/MmbId", "ClrSysMmbId/Id", "CmbndId/ClrSysMmbId/Id", "LEI", "Othr/Id", "PrtryId/Id",
                "CmbndId/PrtryId/Id",
            ),
            "where there is no BIC",
        ),
    }  # fmt: skip


def account_of(record: Record, side: str, tokenise: Tokenise) -> Account:
    """Give one side; its token is ``EXTERNAL`` when the message names no account, proxy or party id."""
    agent = agent_of(record, side)
    identity, scheme = _account_id(record, side, agent)
    party = _party_id(record, side, agent)
    if not identity and party:
        identity, scheme = party, "PARTY"
    bic = _BIC.fullmatch(agent)
    country = agent[4:6] if bic else identity[:2] if scheme == "IBAN" else None
    person = record.text(f"{side}.person") is not None
    return Account(
        account_token=tokenise(identity) if identity else OUTSIDE,
        account_masked=_masked(record, side) if identity else None,
        account_scheme=scheme or None,
        party_token=tokenise(party) if party else None,
        party_type=PartyType.PERSON if person else PartyType.ORG if party else None,
        agent_id=shortened(agent) or None,
        country=country,
    )


def two_sides(record: Record, tokenise: Tokenise) -> tuple[Account, Account]:
    """Give debtor and creditor; raises ``Refused`` when neither is named by any id."""
    debtor, creditor = account_of(record, "debtor", tokenise), account_of(record, "creditor", tokenise)
    if debtor.account_token == OUTSIDE == creditor.account_token:
        raise Refused(
            Refusal.MISSING_FIELD, record.path("debtor.iban"), "neither side has an account, proxy or party id"
        )
    return debtor, creditor


def agent_of(record: Record, side: str) -> str:
    """Give the id of a side's institution: a BIC (without the branch XXX), else its number in a clearing system, else nothing."""
    bic = (record.text(f"{side}.bic") or "").upper()
    if bic:
        if not _BIC.fullmatch(bic):
            raise Refused(Refusal.WRONG_TYPE, record.path(f"{side}.bic"), "not a BIC of 8 or 11 characters")
        return bic.removesuffix("XXX") if len(bic) > 8 else bic  # noqa: PLR2004  a BIC without branch
    return record.text(f"{side}.member") or ""


def token_of(number: str, agent: str) -> str:
    """Write the identity of an account or party that is known by a number of its agent's."""
    return shortened(f"{number}@{agent}" if agent else number)


def shortened(text: str) -> str:
    """Keep a key within its length: the end of a longer one is replaced by a hash of all of it."""
    if len(text) <= KEY_MAX:
        return text
    return f"{text[:31]}~{blake2b(text.encode(), digest_size=16).hexdigest()}"


def _account_id(record: Record, side: str, agent: str) -> tuple[str, str]:
    iban = record.text(f"{side}.iban")
    if iban is not None:
        number = iban.replace(" ", "").upper()
        if not _IBAN.fullmatch(number):
            raise Refused(Refusal.WRONG_TYPE, record.path(f"{side}.iban"), "not of the form of an IBAN")
        return number, "IBAN"
    other = record.text(f"{side}.other")
    if other is not None:
        return token_of(other, agent), "OTHER"
    proxy = record.text(f"{side}.proxy")
    if proxy is not None:
        kind = record.text(f"{side}.proxy_type") or "PROXY"
        return shortened(f"{kind}:{proxy}"), "PROXY"
    return "", ""


def _party_id(record: Record, side: str, agent: str) -> str:
    for name in ("lei", "party_bic"):
        text = record.text(f"{side}.{name}")
        if text is not None:
            return f"{'LEI' if name == 'lei' else 'BIC'}:{text.upper()}"
    other = record.element(f"{side}.party")
    number = other.below("Id") if other is not None else ""
    if other is None or not number:
        return ""
    scheme = other.below("SchmeNm", "Cd") or other.below("SchmeNm", "Prtry")
    return shortened(f"{scheme}:{number}") if scheme else token_of(number, agent)


def _masked(record: Record, side: str) -> str:
    found = (record.text(f"{side}.{name}") for name in ("iban", "other", "proxy"))
    text = next((each.replace(" ", "") for each in found if each is not None), "")
    return f"****{text[-4:]}" if len(text) >= _MASK_MIN else "****"

"""Money that is a country's own: the currencies in which people and companies there keep accounts and pay as a matter of course.

Source: Unicode CLDR 47 (supplemental currency data, legal tender on 1 June 2026), read with Babel 2.18 on 26 November 2026.
Bulgaria is put into the euro area by hand: CLDR 47 does not know of 1 January 2026. XK (Kosovo) is no code of ISO 3166 but is in
use; Antarctica has no currency and is not in the table.
"""

from typing import Final

_OWN: Final = (
    "AED AFN ALL AMD AOA ARS AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CLP CNY COP CRC CUP "
    "CVE CZK DJF DOP DZD EGP ERN ETB FJD FKP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR IQD IRR ISK JMD JPY KES KGS "
    "KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO "
    "NPR OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB "
    "TJS TMT TND TOP TRY TTD TWD TZS UAH UGX UYU UZS VES VND VUV WST YER ZMW ZWG"
)
"""Currencies of one country, whose code they begin with (ISO 4217)."""
_SHARED: Final = {
    "AUD": "AU CC CX HM KI NF NR TV",
    "CHF": "CH LI",
    "DKK": "DK FO GL",
    "EUR": "AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM PT RE SI SK SM TF VA XK YT",
    "GBP": "GB GG GS IM JE",
    "ILS": "IL PS",
    "INR": "BT IN",
    "JOD": "JO PS",
    "MAD": "EH MA",
    "NOK": "BV NO SJ",
    "NZD": "CK NU NZ PN TK",
    "USD": "AS BQ EC FM GU HT IO MH MP PA PR PW SV TC TL UM US VG VI ZW",
    "XAF": "CF CG CM GA GQ TD",
    "XCD": "AG AI DM GD KN LC MS VC",
    "XCG": "CW SX",
    "XOF": "BF BJ CI GW ML NE SN TG",
    "XPF": "NC PF WF",
    "ZAR": "LS NA ZA",
}  # fmt: skip
"""Tender in several countries, or in one that has another code: currency to countries."""
_BESIDE: Final = {
    "USD": "KH LR",
    "HKD": "MO",
    "GBP": "FK GI SH",
    "SGD": "BN", "BND": "SG",
    "ZAR": "SZ",
    "VED": "VE", "CLF": "CL", "UYW": "UY", "SVC": "SV",
    "BGN": "BG", "ANG": "CW SX",
}  # fmt: skip
"""Not tender in CLDR, and no foreign money there either: currency to countries.

In Cambodia most deposits, loans and prices are in US dollars beside the riel (National Bank of Cambodia, annual reports), in
Liberia both circulate by law. Hong Kong dollars are common in Macao, sterling at par in Gibraltar, the Falklands and Saint
Helena; the money of Singapore and Brunei is exchanged at par (agreement of 1967), the rand is taken in Eswatini (Common Monetary
Area). ISO 4217 has second codes and units of account for Venezuela, Chile and Uruguay, and the colón for El Salvador. The lev
(until 2026) and the Antillean guilder (until 2025) stay, since a table must give the same answer for the same payment for ever,
and history is read too.
"""


def _by_country() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {currency[:2]: {currency} for currency in _OWN.split()}
    for table in (_SHARED, _BESIDE):
        for currency, countries in table.items():
            for country in countries.split():
                found.setdefault(country, set()).add(currency)
    return {country: frozenset(currencies) for country, currencies in found.items()}


TENDER: Final = _by_country()
"""Country (ISO 3166-1 alpha-2) to its currencies (ISO 4217), at least one."""


def is_foreign(currency: str, here: str, there: str) -> bool:
    """Tell whether a currency is that of neither country; never so when the table does not know one of the two."""
    ours, theirs = TENDER.get(here), TENDER.get(there)
    return ours is not None and theirs is not None and currency not in ours and currency not in theirs

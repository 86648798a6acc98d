"""Local time from a country or a currency: how many quarters of an hour a country's clocks are ahead of UTC.

Standard time all year, since a table must give the same answer for the same event for ever: in summer the hour of a country that
puts its clocks forward is told one too early. A country with several zones has the one of its largest bank centre. Source: IANA
time zone database, 2025.
"""

from typing import Final

QUARTER_MS: Final = 900_000
_COUNTRIES: Final = {
    -44: "AS NU UM", -40: "CK PF", -32: "PN", -24: "BZ CR GT HN MX NI SV", -20: "BS CA CO CU EC HT JM KY PA PE TC US",
    -16: "AG AI AW BB BL BM BO BQ CL CW DM DO GD GP GY KN LC MF MQ MS PR SX TT VC VE VG VI", -12: "AR BR FK GF PM PY SR UY",
    -8: "GL GS", -4: "CV", 0: "BF CI FO GB GG GH GM GN GW IE IM IS JE LR ML MR PT SH SL SN ST TG",
    4: "AD AL AO AT BA BE BJ CD CF CG CH CM CZ DE DK DZ EH ES EU FR GA GI GQ HR HU IT LI LU MA MC ME MK MT NE NG NL NO PL RS SE SI "
       "SJ SK SM TD TN VA",
    8: "AX BG BI BW CY EE EG FI GR IL LB LS LT LV LY MD MW MZ NA PS RO RW SD SS SZ UA ZA ZM ZW",
    12: "BH BY DJ ER ET IQ JO KE KM KW MG QA RU SA SO SY TR TZ UG YE YT", 14: "IR", 16: "AE AM AZ GE MU OM RE SC", 18: "AF",
    20: "KZ MV PK TF TJ TM UZ", 22: "IN LK", 23: "NP", 24: "BD BT IO KG", 26: "CC MM", 28: "CX ID KH LA TH VN",
    32: "BN CN HK MN MO MY PH SG TW", 36: "JP KP KR PW TL", 40: "AU GU MP PG", 44: "FM NC NF SB VU", 48: "FJ KI MH NR NZ TV WF",
    52: "TK TO WS",
}  # fmt: skip
_AHEAD: Final = {country: quarters for quarters, names in _COUNTRIES.items() for country in names.split()}


def quarters_ahead(country: str, currency: str) -> int:
    """Give the quarters of an hour by which local time is ahead of UTC: of a country, else of the one a currency is named after.

    ``country`` is ISO 3166-1 alpha-2 or empty, ``currency`` ISO 4217. 0 where neither is in the table.
    """
    known = _AHEAD.get(country)
    return known if known is not None else _AHEAD.get(currency[:2], 0)

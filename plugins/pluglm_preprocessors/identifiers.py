"""Identifiers of people and their accounts: where they stand in a text, with their check digits tried."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}\b", re.IGNORECASE)
PHONE = re.compile(
    r"(?<![\w.+/-])(?:\+[1-9]\d{0,2}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ .-]\d{2,5}){1,5}(?![\w/-]|\.\d)"
    r"|(?<!\w)\+[1-9]\d{7,14}(?!\w)"
)
IP4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}\b|\bsk-[A-Za-z0-9_-]{20,}\b"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    re.DOTALL,
)


def luhn(number: str) -> bool:
    """Whether the digits end in their check digit (ISO/IEC 7812-1): every second digit from the right doubled, the sum
    of all digits a multiple of 10."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def iban(number: str) -> bool:
    """Whether the check digits are right (ISO 13616): the first four characters put last and letters counted from 10,
    the number is 1 modulo 97."""
    plain = number.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def ip_address(text: str) -> bool:
    """Whether it is an address of version 4 or 6. An address of version 6 must begin with a whole group, or `a::b` and
    other code would be one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 4 or re.match(r"(?=.*\d)[0-9a-fA-F]{3,4}:", text) is not None


def phone(text: str) -> bool:
    """Whether it has as many digits as a number with an area code (E.164: at most 15), and is no date and no amount."""
    digits = sum(character.isdigit() for character in text)
    date = re.fullmatch(r"\d{4}[ .-]\d{1,2}[ .-]\d{1,2}|\d{1,2}[ .-]\d{1,2}[ .-]\d{4}|\d{4}[ -]\d{4}", text)
    amount = re.fullmatch(r"\d{1,3}(?:[ .]\d{3})+", text)
    return 8 <= digits <= 15 and date is None and amount is None


# What a text must have for a kind to be in it: looked for first, because it is found out ten times as fast.
SIGNS: dict[str, re.Pattern[str]] = {
    "secret": re.compile(r"PRIVATE KEY|AKIA|gh[pousr]_|xox[abprs]-|sk-|eyJ"),
    "email": re.compile("@"),
    "iban": re.compile(r"[A-Z]{2}\d\d"),
    "card": re.compile(r"\d(?:[ -]?\d){12}"),
    "ip": re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9a-fA-F]{0,4}:"),
    "phone": re.compile(r"\d[ .-]\d\d|\+[1-9]\d{7}|\)[ .-]?\d\d"),
}
# In this order: what one kind has taken is not looked at by the next.
KINDS: dict[str, tuple[tuple[re.Pattern[str], ...], Callable[[str], bool]]] = {
    "secret": ((SECRET,), lambda found: True),
    "email": ((EMAIL,), lambda found: True),
    "iban": ((IBAN,), iban),
    "card": ((CARD,), luhn),
    "ip": ((IP4, IP6), ip_address),
    "phone": ((PHONE,), phone),
}


def spans(text: str, kinds: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of every identifier, in the order of the text, none overlapping another."""
    found: list[tuple[int, int, str]] = []
    for kind, (patterns, valid) in KINDS.items():
        for pattern in patterns if kind in kinds and SIGNS[kind].search(text) else ():
            for match in pattern.finditer(text):
                start, end = match.span()
                if valid(match[0]) and not any(start < other and first < end for first, other, _ in found):
                    found.append((start, end, kind))
    yield from sorted(found)

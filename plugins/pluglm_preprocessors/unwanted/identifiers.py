"""Identifiers of people and their accounts: where they stand in a text, with their check digits tried."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}\b", re.IGNORECASE)
PHONE = re.compile(
    # What it begins with, which alone makes it five times as fast: most characters then cost one look.
    r"(?=[+(\d])(?:"
    # After a plus, in whatever groups.
    r"(?<![\w+])\+[1-9]\d{0,14}(?:[ ./-]?\(\d{1,5}\)[ ./-]?\d{1,12})?(?:[ ./-]\d{1,12}){0,6}(?!\w)"
    # An area code that begins with a zero, and a number that need not be in groups.
    r"|(?<![\w.+/-])(?<!\d:)0(?!00)\d{1,5}[ /-]\d{2,9}(?:[ -]\d{2,9}){0,3}(?![\w/-]|[.:]\d| \d)"
    # Groups between points, which decimals with spaces between them are not; and groups between others.
    r"|(?<![\w.+/-])(?:\(\d{1,5}\)[ .]?\d{2,5}|\d{2,5}\.\d{2,5})(?:\.\d{2,5}){1,3}(?![\w/-]|[.:]\d)"
    r"|(?<![\w.+/-])(?:1-)?(?:\(\d{1,5}\)[ -]?)?\d{2,5}(?:[ -]\d{2,5}){1,5}(?![\w/-]|[.:]\d))"
)
IP4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
# In one piece, or in groups as cards have them: 4-4-4-4 (and 3 more), 4-6-5 or 4-6-4; no digits of a decimal.
CARD = re.compile(
    r"(?<![\w-])(?<!\d[.,])(?:\d{13,19}|\d{4}(?P<by>[ -])(?:\d{4}(?P=by)\d{4}(?P=by)\d{1,4}(?:(?P=by)\d{3})?"
    r"|\d{6}(?P=by)\d{4,5}))(?![\w-])"
)
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{22,}|\bAIza[\w-]{35}(?![\w-])"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}\b|\bsk-[A-Za-z0-9_-]{20,}\b"
    # Not behind a hyphen either: each of many in one long word would be looked at to the end of the word.
    r"|(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
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


SECOND = re.compile(r"(?:19|20)\d\d(?:0\d|1[0-2])[0-3]\d[0-2]\d[0-5]\d[0-5]\d")


def card(number: str) -> bool:
    """Whether it has the length and check digit of a payment card's number, none of which begins with 0, and is no
    point in time, as in the addresses of archives (20240131235959)."""
    digits = sum(map(str.isdigit, number))
    return number[0] != "0" and digits >= 13 and luhn(number) and not SECOND.fullmatch(number)


def ip_address(text: str) -> bool:
    """Whether it is an address of version 4 or 6. An address of version 6 must begin with a whole group and have
    another, or `a::b`, `1990::` and other code would be one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 4 or re.match(r"(?=.*\d)[0-9a-fA-F]{3,4}:.*[0-9a-fA-F]", text) is not None


# What is written like a telephone number: dates, years, amounts, and rows of numbers of two digits.
DATE = re.compile(r"\d{4}[ .-]\d{1,2}[ .-]\d{1,2}|\d{1,2}[ .-]\d{1,2}[ .-]\d{4}|\d{4}[ -]\d{4}")
TIMESTAMP = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)")
NUMBERS = re.compile(r"(?:1[5-9]|20)\d\d(?:[ -](?:1[5-9]|20)\d\d)+|\d{1,3}(?:[ .]\d{3})+|\d\d(?: \d\d){5}")


def phone(text: str) -> bool:
    """Whether it has as many digits as a number with an area code (E.164: at most 15), and is no date and no amount."""
    digits = [character for character in text if character.isdigit()]
    if not 8 <= len(digits) <= 15:
        return False
    return text[0] == "+" or not (
        text.startswith("000")
        or len(set(digits)) == 1
        or DATE.fullmatch(text)
        or NUMBERS.fullmatch(text)
        or TIMESTAMP.search(text)
    )


def whole(valid: Callable[[str], bool]) -> Callable[[str], int]:
    """All of what was found, or nothing."""
    return lambda found: len(found) if valid(found) else 0


def beginning(valid: Callable[[str], bool]) -> Callable[[str], int]:
    """The length of the longest beginning that is valid, as a number or word of something else may have been taken for
    a last group: 4111 1111 1111 1111 123."""

    def fit(found: str) -> int:
        end = len(found)
        while end > 0 and not valid(found[:end]):
            end = max(found.rfind(" ", 0, end), found.rfind("-", 0, end))
        return max(0, end)

    return fit


# What a text must have for a kind to be in it: looked for first, because it is found out ten times as fast.
SIGNS: dict[str, re.Pattern[str]] = {
    "secret": re.compile(r"PRIVATE KEY|A[KS]IA|gh[pousr]_|github_pat_|AIza|xox[abprs]-|sk-|eyJ"),
    "email": re.compile("@"),
    "iban": re.compile(r"[A-Z]{2}\d\d"),
    "card": re.compile(r"\d(?:[ -]?\d){12}"),
    "ip": re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9a-fA-F]{0,4}:"),
    "phone": re.compile(r"\d[ ./-]\d\d|\+[1-9]|\)[ .-]?\d\d"),
}
# For each kind where it may stand, and how much of that it is. In this order: what one kind has taken is not looked at
# by the next.
KINDS: dict[str, tuple[tuple[re.Pattern[str], ...], Callable[[str], int]]] = {
    "secret": ((SECRET,), len),
    "email": ((EMAIL,), len),
    "iban": ((IBAN,), beginning(iban)),
    "card": ((CARD,), beginning(card)),
    "ip": ((IP4, IP6), whole(ip_address)),
    "phone": ((PHONE,), lambda found: (beginning if found[0] == "+" else whole)(phone)(found)),
}


def spans(text: str, kinds: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of every identifier, in the order of the text, none overlapping another."""
    found: list[tuple[int, int, str]] = []
    for kind, (patterns, fit) in KINDS.items():
        for pattern in patterns if kind in kinds and SIGNS[kind].search(text) else ():
            new = []
            for match in pattern.finditer(text):
                start, size = match.start(), fit(match[0])
                # The last that begins before its end; looked up, as there may be a hundred thousand.
                before = bisect_left(found, (start + size,))
                if size and (not before or found[before - 1][1] <= start):
                    new.append((start, start + size, kind))
            found = sorted(found + new) if new else found
    yield from found

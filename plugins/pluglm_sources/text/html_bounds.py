"""How much a parser of HTML would make of tags that are not closed, found out before it is asked.

A parser opens formatting elements again in each block behind the one they were left open in, and looks for the element
that a tag ends from the innermost outwards. Both cost the square of what is open: minutes and gigabytes for a page of a
few kilobytes that is made for it.

Source: https://html.spec.whatwg.org/#reconstruct-the-active-formatting-elements
"""

from __future__ import annotations

import re
from collections import Counter

# Elements that are opened again, and steps through what is open: a second or two each.
MOST_OPENED, MOST_STEPS = 2_000_000, 400_000_000
# Each pass finds the elements that hold only what the passes before it found.
PASSES = 8
SPACE, NAME_ENDS = "[\t\n\f\r ]", "(?=[\t\n\f\r />])"
# Only what every parser takes for one tag: with quotes that are closed, and no bracket in them.
ATTRIBUTES = rf"""(?:{SPACE}++[^\t\n\f\r "'<>/=]++(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[^\t\n\f\r "'<>=`]++))?+)*+{SPACE}*+"""
FORMATTING = "(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)"
EMPTY = "area|base|basefont|bgsound|br|col|embed|hr|img|input|keygen|link|meta|param|source|track|wbr"
# What shuts others in, is left out by the parser where it does not belong, or has no end.
APART = "applet|body|form|frame|frameset|head|html|image|isindex|marquee|math|object|plaintext|select|template"
SIMPLE = rf"[^<]++|<!--[^<>]*+-->|<(?:{EMPTY}){ATTRIBUTES}/?>"
SHAPES = "circle|ellipse|g|line|path|polygon|polyline|rect|use"
# What formatting ends with its own end, closed or not.
INLINE = rf"{SIMPLE}|</?(?:abbr|cite|kbd|span|sub|sup|svg|var|{SHAPES}){ATTRIBUTES}/?>"


def _pattern(text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[bytes]:
    # Of bytes, in which only letters of ASCII have an upper and a lower case, as in the names of elements.
    return re.compile(text.encode(), flags)


# Formatting that is closed in the block it began in; or, as a group, that is not.
FORMATTED = _pattern(
    rf"<({FORMATTING})(?:"
    rf"{ATTRIBUTES}>(?:{INLINE}|<({FORMATTING}){ATTRIBUTES}>(?:{INLINE})*+</\2>)*+</\1>|([\t\n\f\r />]))"
)
CLOSED = _pattern(
    rf"<(?!(?:{EMPTY}|{APART}){NAME_ENDS})([a-z][a-z0-9-]*+){ATTRIBUTES}>(?:{SIMPLE})*+</\1{SPACE}*+>"
    rf"|<(dd|dt|li|option|p|td|th|tr){ATTRIBUTES}>(?:{SIMPLE})*+(?=<\2[\t\n\f\r >])"
    rf"|<svg{ATTRIBUTES}>(?:{SIMPLE}|</?(?:{SHAPES}){ATTRIBUTES}/?>)*+</svg{SPACE}*+>",
    re.IGNORECASE,
)
LEFT_OPEN = _pattern(rf"<{FORMATTING}{NAME_ENDS}[^>]*+", re.IGNORECASE)
# Blocks, which stop the search for most elements, and what is searched for beyond them. All else passes for inline;
# within drawings and formulas most empty elements are, too.
BLOCK = _pattern(
    rf"<(?:address|article|aside|blockquote|center|dd|details|dir|div|dl|dt|fieldset|figure|footer|form|h[1-6]|header|li"
    rf"|main|menu|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul){NAME_ENDS}",
    re.IGNORECASE,
)
BEYOND = _pattern(rf"</?(?:body|button|dd|dt|form|h[1-6]|html|li|t[a-z]+){NAME_ENDS}", re.IGNORECASE)
START = _pattern(rf"<(?!(?:br|embed|hr|img|meta){NAME_ENDS})[a-z]", re.IGNORECASE)


def unclosed(page: str) -> str:
    """What a page has too much of for a parser, which would need minutes or gigabytes; "" for all others.

    It counts rather too much than too little: whatever is not certainly closed counts as open.
    """
    tags = page.count("<")
    # What is opened again was shut by another tag: at worst one half of them is formatting, the other half shuts it.
    if tags**2 <= 4 * MOST_OPENED:
        return ""
    content = page.encode("utf-8", errors="replace")
    found = FORMATTED.findall(content.lower())
    left, others = sum(1 for _, _, rest in found if rest), tags - len(found)
    if left * others <= MOST_OPENED and tags**2 <= 4 * MOST_STEPS:
        return ""
    beyond = len(BEYOND.findall(content))
    for _ in range(PASSES):
        # Of the same elements, to the letter of their attributes, three are opened again at most.
        left = min(left, sum(min(times, 3) for times in Counter(LEFT_OPEN.findall(content)).values()))
        blocks = len(BLOCK.findall(content))
        inline = len(START.findall(content)) - blocks
        if left * others <= MOST_OPENED and inline * tags + blocks * beyond <= MOST_STEPS:
            return ""
        content = CLOSED.sub(b"", content)
    return f"{left} formatting, {inline} inline elements and {blocks} blocks without an end, among {tags} tags"

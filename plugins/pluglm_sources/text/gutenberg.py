"""What stands in a text file of Project Gutenberg beside the book: its header, its licence, its encoding."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

from pluglm_sources.text.dates import day_or_less

HEAD = 16_000
"""How many bytes or characters of a file its header lies within."""
FORM = r"E-?(?:BOOK|TEXT)"
START = re.compile(
    rf"[ \t]*\*{{3}}[ \t]*START OF (?:THE|THIS)(?: COPYRIGHTED)? PROJECT GUTENBERG {FORM}\b[^*]{{0,400}}?\*{{3}}.*",
    re.IGNORECASE,
)
END = re.compile(rf"[ \t]*\*{{3}}[ \t]*END OF (?:THE|THIS)(?: COPYRIGHTED)? PROJECT GUTENBERG {FORM}\b", re.IGNORECASE)
SMALL_PRINT_END = re.compile(r"[ \t]*\*?END[* ]?[* ]?THE SMALL PRINT!.*")
SMALL_PRINT_START = re.compile(r"[ \t]*\*{3}START\*{2}THE SMALL PRINT!")
LAST_LINE = re.compile(rf"[ \t]*\**[ \t]*End of (?:the |this )?Project Gutenberg(?:['’]s|[ ]{FORM}).*", re.IGNORECASE)
# In the line of every marker; found as they are, which is many times faster than any pattern.
SIGNS = ("PROJECT GUTENBERG", "Project Gutenberg", "project gutenberg", "THE SMALL PRINT!")
CREDITS = re.compile(
    r"\s*((?:Produced|Transcribed|(?:This )?(?:Project Gutenberg )?e-?(?:text|book) (?:was )?(?:prepared|produced|"
    r"transcribed|created)|HTML version(?: prepared)?) by\b(?:[^\n]*\n)+?)[ \t]*\n",
    re.IGNORECASE,
)
FIELD = re.compile(r"^([A-Z][A-Za-z ]{2,25}):[ \t]*(\S.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
NUMBER = re.compile(rf"\[\s*{FORM}[ \t]*#[ \t]*(\d{{1,9}})", re.IGNORECASE)
OF_BY = re.compile(
    rf"Project Gutenberg(?:['’]s)?,?(?: {FORM})?(?: of)? (.{{2,150}}?)(?:,? by[ \n]+([^\n*#]{{2,80}}?))?"
    r"[ \t]*\**[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
SERIES = re.compile(r"in our series by (.{2,80})")
CHARSET = re.compile(rb"Character set encoding:[ \t]*([^\r\n]{2,60})", re.IGNORECASE)
MONTHS = "january february march april may june july august september october november december".split()
LABELS = {"author", "translator", "editor", "illustrator", "contributor", "language", "credits", "original publication"}
# https://www.gutenberg.org/browse/languages/
LANGUAGES = {
    "english": "en", "french": "fr", "german": "de", "finnish": "fi", "dutch": "nl", "italian": "it", "spanish": "es",
    "portuguese": "pt", "hungarian": "hu", "chinese": "zh", "swedish": "sv", "greek": "el", "esperanto": "eo",
    "latin": "la", "danish": "da", "tagalog": "tl", "catalan": "ca", "polish": "pl", "norwegian": "no",
    "japanese": "ja",
    "welsh": "cy", "czech": "cs", "russian": "ru", "icelandic": "is", "hebrew": "he", "romanian": "ro", "irish": "ga",
    "serbian": "sr", "afrikaans": "af", "bulgarian": "bg", "estonian": "et", "galician": "gl", "korean": "ko",
    "lithuanian": "lt", "slovenian": "sl", "telugu": "te", "turkish": "tr", "ukrainian": "uk", "sanskrit": "sa",
}  # fmt: skip


class NotGutenberg(ValueError):
    """A text that is no whole file of Project Gutenberg; `reason` is a short code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Book:
    """A book's text, and what its header says of it."""

    text: str
    number: int | None
    copyrighted: bool
    metadata: dict[str, str] = field(default_factory=dict)


def encoding_of(content: bytes, name: str) -> str:
    """The codec of a file: UTF-8 where its bytes are that; otherwise what its header says, or the suffix of its name
    (`-8.txt` is Latin-1, https://www.gutenberg.org/help/file_formats.html)."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
        return "utf-8-sig"
    except UnicodeDecodeError:
        pass
    said = CHARSET.search(content[:HEAD])
    label = said[1].decode("ascii", "replace").strip().lower() if said else ""
    if re.search(r"8859-?1\b|latin-?1\b|1252", label) or (not label and "-8" in name):
        # As browsers do: who writes windows-1252 calls it Latin-1.
        return "cp1252"
    for part in (label, *re.findall(r"[\w-]+", label)):
        try:
            return codecs.lookup(part.replace("iso ", "iso-")).name
        except (LookupError, ValueError):
            continue
    return "utf-8-sig"


def released(said: str) -> str | None:
    """`June, 1998` or `February 18, 2014` as ISO 8601: `1998-06`, `2014-02-18`."""
    match = re.match(r"([A-Za-z]+)[ \t]*(\d{1,2})?,?[ \t]+(\d{4})\b", said)
    if match is None or match[1].lower() not in MONTHS:
        return None
    return day_or_less(match[3], MONTHS.index(match[1].lower()) + 1, match[2])


def parted(text: str) -> tuple[str, str, str]:
    """Header, body and licence, by the markers of the time the file was made.

    Raises:
        NotGutenberg: where it has no marker of a start, or its end is missing.
    """
    lines = marked_lines(text)
    start = next((match for line in lines if (match := START.match(text, line))), None)
    ends_of_print = [match.end() for line in lines if (match := SMALL_PRINT_END.match(text, line))]
    # At the end of a file the small print is part of what follows the book.
    small = [end for end in ends_of_print if end < max(len(text) // 2, HEAD)]
    if start is None and not small:
        raise NotGutenberg("no_start_marker", "neither *** START OF ... nor *END*THE SMALL PRINT!")
    begin = start.end() if start else 0
    # Files of the years between have both; the small print may stand on either side of the marker.
    begin = max([begin, *(end for end in small if start is None or end < begin + 2 * HEAD)])
    behind = [line for line in lines if line >= begin]
    ends = [line for line in behind if END.match(text, line)]
    prints = [line for line in behind if SMALL_PRINT_START.match(text, line)]
    if start is not None and not ends and not prints:
        raise NotGutenberg("truncated", "it has a START and no END")
    # The last of them: works in several parts have one behind each.
    end = ends[-1] if ends else prints[0] if prints else len(text)
    last = [line for line in behind if line < end and LAST_LINE.match(text, line)]
    late = [line for line in last if line > min((begin + end) // 2, end - 4_000)]
    if late and (not ends or end - late[-1] < 2_000):
        end = late[-1]
    return text[:begin], text[begin:end], text[end:]


def marked_lines(text: str) -> list[int]:
    """Where the lines begin that may be markers."""
    found = set()
    for sign in SIGNS:
        at = text.find(sign)
        while at >= 0:
            found.add(text.rfind("\n", 0, at) + 1)
            at = text.find(sign, at + 1)
    return sorted(found)


def book(text: str) -> Book:
    """A book out of a whole file.

    Raises:
        NotGutenberg: as `parted` does.
    """
    header, body, _ = parted(text.replace("\r\n", "\n").replace("\r", "\n"))
    given = {match[1].lower(): " ".join(match[2].split()) for match in FIELD.finditer(header)}
    metadata = {label.replace(" ", "_"): value for label, value in given.items() if label in LABELS}
    while credits := CREDITS.match(body):
        metadata.setdefault("credits", " ".join(credits[1].split()))
        body = body[credits.end() :]
    title = re.sub(r"\s*\[.*$", "", given.get("title", ""))
    named = OF_BY.search(header)
    series = SERIES.search(header)
    author = metadata.get("author") or (named and named[2]) or (series and series[1].strip()) or ""
    title = title or (named[1] if named else "")
    date = given.get("release date") or given.get("posting date") or ""
    metadata |= {key: value for key, value in (("title", title), ("author", author)) if value}
    if said := released(date):
        metadata["released"] = said
    if "language" in metadata:
        metadata["language"] = LANGUAGES.get(metadata["language"].lower(), metadata["language"])
    number = NUMBER.search(header)
    copyrighted = re.search(r"COPYRIGHTED Project Gutenberg", header, re.IGNORECASE) is not None
    return Book(body.strip("\n"), int(number[1]) if number else None, copyrighted, metadata)

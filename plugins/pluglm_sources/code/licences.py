"""The licence of code as an SPDX identifier, from a header in the file or from the text of a licence file.

Sources: https://spdx.dev/learn/handling-license-info/; https://spdx.org/licenses/
"""

from __future__ import annotations

import re

HEADER = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() \t-]+)")
EXPRESSION = re.compile(
    r"\(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*(?:[ \t]+(?:AND|OR|WITH)[ \t]+\(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*)*"
)
FILE_NAME = re.compile(r"(?:^|[._-])(?:licen[cs]es?|copying|unlicense|mit-licen[cs]e)(?:$|[._-])", re.IGNORECASE)
PROSE = ("", ".txt", ".md", ".rst", ".markdown", ".html", ".mit", ".bsd", ".apache", ".mpl", ".gpl")
HEAD = 3000
OR_LATER = re.compile(
    r"gnu (lesser |affero |)general public license as published by the free software foundation (?:either |)version "
    r"(\d)(?: (\d))? (?:of the license )?or at your option any later version"
)

# What stands in each text, in words of small letters. Of those that begin alike (BSD-4-Clause, BSD-3-Clause ...) the
# first that fits is taken.
BSD = "redistribution and use in source and binary forms with or without modification are permitted"
MIT = "permission is hereby granted free of charge to any person obtaining a copy of this software and associated"
ISC = "distribute this software for any purpose with or without fee is hereby granted"
ZLIB = "the origin of this software must not be misrepresented"
PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AGPL-3.0-only", ("gnu affero general public license version 3 19 november 2007",)),
    ("LGPL-3.0-only", ("gnu lesser general public license version 3 29 june 2007",)),
    ("LGPL-2.1-only", ("gnu lesser general public license version 2 1 february 1999",)),
    ("LGPL-2.0-only", ("gnu library general public license version 2 june 1991",)),
    ("GPL-3.0-only", ("gnu general public license version 3 29 june 2007",)),
    ("GPL-2.0-only", ("gnu general public license version 2 june 1991",)),
    ("GPL-1.0-only", ("gnu general public license version 1 february 1989",)),
    ("GFDL-1.3-only", ("gnu free documentation license version 1 3 3 november 2008",)),
    ("GFDL-1.2-only", ("gnu free documentation license version 1 2 november 2002",)),
    ("MPL-2.0", ("mozilla public license version 2 0 1 definitions",)),
    ("MPL-1.1", ("mozilla public license version 1 1 1 definitions",)),
    ("EPL-2.0", ("eclipse public license v 2 0",)),
    ("EPL-1.0", ("eclipse public license v 1 0",)),
    ("Apache-2.0", ("apache license version 2 0 january 2004", "terms and conditions for use reproduction")),
    ("CC0-1.0", ("cc0 1 0 universal", "statement of purpose")),
    ("CC-BY-NC-SA-4.0", ("attribution noncommercial sharealike 4 0 international",)),
    ("CC-BY-NC-ND-4.0", ("attribution noncommercial noderivatives 4 0 international",)),
    ("CC-BY-NC-4.0", ("attribution noncommercial 4 0 international",)),
    ("CC-BY-SA-4.0", ("attribution sharealike 4 0 international",)),
    ("CC-BY-ND-4.0", ("attribution noderivatives 4 0 international",)),
    ("CC-BY-4.0", ("attribution 4 0 international",)),
    ("Artistic-2.0", ("the artistic license 2 0", "everyone is permitted to copy and distribute")),
    ("PSF-2.0", ("python software foundation license version 2",)),
    ("BSL-1.0", ("boost software license version 1 0 august 17th 2003",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("WTFPL", ("do what the fuck you want to public license",)),
    ("Zlib", (ZLIB, "altered source versions must be plainly marked")),
    ("BSD-4-Clause", (BSD, "all advertising materials mentioning features or use of this software must")),
    ("BSD-3-Clause", (BSD, "used to endorse or promote products derived from this software")),
    ("BSD-2-Clause", (BSD, "redistributions in binary form must reproduce the above copyright notice")),
    ("ISC", (ISC, "provided that the above copyright notice and this permission notice appear in all copies")),
    ("0BSD", (ISC,)),
    ("MIT", (MIT, "the above copyright notice and this permission notice")),
    ("MIT-0", (MIT, "the software is provided as is without warranty of any kind")),
)  # fmt: skip

NOTICES = {
    "Apache-2.0": "licensed under the apache license version 2 0",
    "MPL-2.0": "subject to the terms of the mozilla public license v 2 0",
}


def is_licence_file(path: str) -> bool:
    """Whether a file seems to be a licence, by its name."""
    name = path.rpartition("/")[2]
    return FILE_NAME.search(name) is not None and (name[name.rfind(".") :].lower() if "." in name else "") in PROSE


def licence_of_text(text: str) -> str | None:
    """The licence whose text this is, or all of them where it is several; None for one not known. Names, years and the
    form of the text do not matter."""
    words = _words(text)
    found: dict[str, str] = {}
    for name, phrases in (*PHRASES, *((name, (notice,)) for name, notice in NOTICES.items())):
        if all(phrase in words for phrase in phrases):
            found.setdefault("ISC" if name == "0BSD" else name.partition("-")[0], name)
    return " AND ".join(sorted(found.values())) or None


def licence_in_header(text: str) -> str | None:
    """The licence that the head of a source file names: by SPDX-License-Identifier, or in the words that its
    authors propose for this; None for none."""
    head = text[:HEAD]
    found = HEADER.search(head)
    expression = EXPRESSION.match(found[1].strip()) if found else None
    if expression:
        return re.sub(r"\s+", " ", expression[0])
    words = _words(head)
    later = OR_LATER.search(words)
    if later is None:
        return next((name for name, notice in NOTICES.items() if notice in words), None)
    kind = {"lesser ": "LGPL", "affero ": "AGPL", "": "GPL"}[later[1]]
    return f"{kind}-{later[2]}.{later[3] or 0}-or-later"


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("&quot;", " ")))


def licence_of_folder(texts: dict[str, str], path: str) -> str | None:
    """The licence of a file by licence files (path to licence): those of the nearest folder above it that has any.

    Several apply together, unless their names say that one has the choice (LICENSE-MIT, LICENSE-APACHE).
    """
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        near = {place: name for place, name in sorted(texts.items()) if place.rpartition("/")[0] == folder}
        if near:
            choice = len(near) > 1 and all("-" in place.rpartition("/")[2] for place in near)
            return (" OR " if choice else " AND ").join(sorted(set(near.values())))
    return None

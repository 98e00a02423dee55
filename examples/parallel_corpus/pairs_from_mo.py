"""Pairs of sentences, in English and another language, from the message catalogues of the programs on this machine.

    python examples/parallel_corpus/pairs_from_mo.py de pairs.jsonl /usr/share/locale/de/LC_MESSAGES

What follows the name of the new file are catalogues, or folders below which they lie. Each line of it is
{"id", "en", "de", "catalogue"}. A message and its translation are split into sentences, and kept whole where they do
not have as many; of pairs whose English differs only by capitals and placeholders, the first is kept. Catalogues carry
the licence of their program.

On Debian: apt-get download PACKAGE && dpkg-deb -x PACKAGE*.deb FOLDER brings those of a package without installing it.
"""

from __future__ import annotations

import gettext
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

SENTENCE_END = re.compile(r"(?<=[.!?:])\s+(?=[A-ZÄÖÜ\"'(])")
PLACEHOLDER = re.compile(r"%(?:\d+\$)?[-+ #0']*\d*(?:\.\d+)?(?:hh|ll|[hlLqjzt])?[a-zA-Z]|\{\w*\}")
MOST_CHARACTERS = 240


def messages(path: Path) -> Iterator[tuple[str, str]]:
    """The messages of a catalogue, each with its translation.

    Raises:
        OSError: where the file is no catalogue.
        UnicodeDecodeError: where its text is not in the charset that it names.
    """
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    # The standard library has no public way to list a catalogue; plural forms are keyed (message, number).
    for key, translation in catalogue._catalog.items():  # type: ignore[attr-defined]
        message, number = key if isinstance(key, tuple) else (key, 0)
        if message and number == 0:
            yield message.rpartition("\x04")[2], translation  # a context stands before \x04


def sentences(text: str) -> list[str]:
    """The sentences of a text, white space made one space."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\s*[-*•]|\s{2,})", text))
    return [sentence for part in paragraphs for sentence in SENTENCE_END.split(part) if sentence]


def is_prose(text: str) -> bool:
    """Whether most of a text is words, and there are two of them at least."""
    letters = sum(character.isalpha() or character == " " for character in PLACEHOLDER.sub("", text))
    return letters > 0.7 * len(text) and len(text.split()) >= 2 and len(text) <= MOST_CHARACTERS


def pairs(paths: list[Path], language: str) -> Iterator[dict[str, str]]:
    """All pairs of the catalogues, in the order of their names."""
    seen: set[str] = set()
    for path in paths:
        try:
            found = list(messages(path))
        except (OSError, UnicodeDecodeError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        for message, translation in found:
            here, there = sentences(message), sentences(translation)
            if len(here) != len(there):
                here, there = [" ".join(here)], [" ".join(there)]
            for english, other in zip(here, there, strict=True):
                plain = PLACEHOLDER.sub("", english).casefold()
                if english == other or plain in seen or not (is_prose(english) and is_prose(other)):
                    continue
                seen.add(plain)
                yield {"id": f"{path.stem}-{len(seen)}", "en": english, language: other, "catalogue": path.name}


def main() -> int:
    """Write the pairs and say how many there are."""
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    language, target = sys.argv[1], Path(sys.argv[2])
    given = [Path(word) for word in sys.argv[3:]]
    paths = [path for root in given for path in (sorted(root.rglob("*.mo")) if root.is_dir() else [root])]
    count = 0
    with target.open("w", encoding="utf-8") as file:
        for pair in pairs(paths, language):
            file.write(json.dumps(pair, ensure_ascii=False) + "\n")
            count += 1
    print(f"{count} pairs from {len(paths)} catalogues: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

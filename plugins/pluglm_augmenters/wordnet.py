"""WordNet's own database files, read as its manual wndb(5WN) describes them: senses by frequency and synonyms."""

from __future__ import annotations

import functools
import os
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from pluglm import DataError

PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
NEEDED = [f"{kind}.{name}" for kind in ("index", "data") for name in PARTS.values()]
HOW_TO_GET = (
    "unpack Debian's wordnet-base (apt-get download wordnet-base && dpkg-deb -x wordnet-base*.deb FOLDER), or run "
    "python -m nltk.downloader wordnet, and name the folder with data.noun"
)


def nltk_places(name: str) -> list[Path]:
    """Where NLTK keeps what it calls `name` (such as corpora/wordnet), unpacked or as .zip, that exist here."""
    roots = [Path(root) for root in os.environ.get("NLTK_DATA", "").split(os.pathsep) if root]
    roots += [Path.home() / "nltk_data", *(Path(sys.prefix) / part / "nltk_data" for part in ("", "share", "lib"))]
    roots += [Path(root) / "nltk_data" for root in ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")]
    return [place for root in roots for place in (root / name, root / f"{name}.zip") if place.exists()]


def find_wordnet(folder: Path | None) -> Path | None:
    """The folder or .zip with WordNet: `folder`, or where it is none NLTK's corpus or Debian's package."""
    if folder is not None:
        places: Iterable[Path] = (folder.expanduser(), folder.expanduser() / "usr/share/wordnet")
    else:
        places = [*nltk_places("corpora/wordnet"), Path("/usr/share/wordnet")]
    return next((place for place in places if _names(place) >= set(NEEDED)), None)


def _names(place: Path) -> set[str]:
    if place.is_dir():
        return {path.name for path in place.iterdir()}
    if not zipfile.is_zipfile(place):
        return set()
    with zipfile.ZipFile(place) as archive:
        return {Path(name).name for name in archive.namelist()}


def _files(place: Path) -> dict[str, bytes]:
    wanted = {*NEEDED, "cntlist.rev", "index.sense", *(f"{part}.exc" for part in PARTS.values())}
    if place.is_dir():
        return {path.name: path.read_bytes() for path in place.iterdir() if path.name in wanted}
    with zipfile.ZipFile(place) as archive:
        return {Path(name).name: archive.read(name) for name in archive.namelist() if Path(name).name in wanted}


class WordNet:
    """What the files say of a word. Lemmas are in lower case, parts of speech n, v, a (with satellites) and r."""

    def __init__(self, place: Path) -> None:
        files = _files(place)
        self._data = {part: files[f"data.{name}"] for part, name in PARTS.items()}
        self._index: dict[str, dict[str, bytes]] = {
            part: {
                line[: line.index(b" ")].decode(): line
                for line in files[f"index.{name}"].splitlines()
                if line[:1] != b" "  # the licence at the top
            }
            for part, name in PARTS.items()
        }
        self._tagged: dict[tuple[str, str], int] = {}
        for line in files.get("cntlist.rev", files.get("index.sense", b"")).decode().splitlines():
            lemma, _, rest = line.partition("%")
            key = lemma, _SENSE_TYPES[rest[0]]
            self._tagged[key] = self._tagged.get(key, 0) + int(rest.rpartition(" ")[2])
        # (part, irregular form) -> lemmas, and (part, lemma) -> irregular forms.
        self.lemmas: dict[tuple[str, str], list[str]] = {}
        self.forms: dict[tuple[str, str], list[str]] = {}
        for part, name in PARTS.items():
            for line in files.get(f"{name}.exc", b"").decode().splitlines():
                form, *lemmas = line.split()
                self.lemmas[part, form] = lemmas
                for lemma in lemmas:
                    self.forms.setdefault((part, lemma), []).append(form)

    def knows(self, lemma: str, part: str) -> bool:
        """Whether the word is in the index of that part of speech."""
        return lemma in self._index[part]

    def frequency(self, lemma: str, part: str) -> int:
        """How often the word was seen in the texts whose senses were tagged by hand."""
        return self._tagged.get((lemma, part), 0)

    def senses(self, lemma: str, part: str) -> list[int]:
        """The offsets in the data file of the word's senses, the most frequent first."""
        line = self._index[part].get(lemma)
        if line is None:
            return []
        fields = line.split()
        return [int(offset) for offset in fields[-int(fields[2]) :]]

    def words(self, offset: int, part: str) -> list[str]:
        """The words of a set of synonyms, as they are written."""
        data = self._data[part]
        fields = data[offset : data.index(b"|", offset)].split()
        count = int(fields[3], 16)
        # Adjectives may bear a mark of where they stand, such as galore(ip).
        return [word.partition(b"(")[0].decode() for word in fields[4 : 4 + 2 * count : 2]]

    def synonyms(self, lemma: str, part: str, most: int) -> list[str]:
        """Other single words for the most frequent sense of `lemma` that has any, among its first `most` senses; only
        words for which that sense is among their own first `most`."""
        for offset in self.senses(lemma, part)[:most]:
            found = [
                word
                for word in self.words(offset, part)
                if word.lower() != lemma
                and word.isalpha()
                and word.islower()
                and offset in self.senses(word, part)[:most]
            ]
            if found:
                return found
        return []


@functools.cache
def wordnet(folder: Path | None) -> WordNet:
    """WordNet, read once in a process.

    Raises:
        DataError: where it is not there.
    """
    place = find_wordnet(folder)
    if place is None:
        raise DataError(f"no WordNet {f'in {folder}' if folder else 'on this machine'}: {HOW_TO_GET}")
    return WordNet(place)

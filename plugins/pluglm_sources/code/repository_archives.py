"""Archives of repositories as git makes them: one folder with all files, and the commit's id in a comment.

Source: https://git-scm.com/docs/git-archive
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pluglm import Dropped, Unreadable
from pluglm_sources.files.paths import shown
from pluglm_sources.packed.compressed_text import damage_of
from pluglm_sources.packed.opening import beginning_of, kind_of
from pluglm_sources.packed.streams import Pieces, open_packed
from pluglm_sources.packed.tar_archives import tar_members
from pluglm_sources.packed.zip_archives import BROKEN_ZIP, unsafe

COMMENT = re.compile(rb"\d+ comment=([0-9a-f]{40,64})\n")
LEFT_OUT = {"file_too_large": "too_large", "not_a_regular_file": "link"}

Content = tuple[str, str, bytes | Unreadable | Dropped]
"""(path in the repository, locator, content or why there is none)"""


def archived_files(place: Path, most: int, wanted: Callable[[str], bool]) -> Iterator[Content]:
    """The files of an archive that are wanted, in its order; none of more than `most` bytes is in memory.

    Raises:
        OSError: it cannot be opened.
    """
    if place.suffix == ".zip":
        yield from _zipped(place, most, wanted)
        return
    with open_packed(place) as file:
        doubt = damage_of(place, kind_of(place))
        for member in tar_members(Pieces(file), shown(place), most, wanted, doubt):
            if not isinstance(member, Unreadable):
                yield _below(member.name), member.locator, member.content
            elif member.reason in LEFT_OUT:
                yield "", member.locator, Dropped(LEFT_OUT[member.reason])
            else:
                yield "", member.locator, member


def _zipped(place: Path, most: int, wanted: Callable[[str], bool]) -> Iterator[Content]:
    try:
        archive = zipfile.ZipFile(place)
    except BROKEN_ZIP as error:
        yield "", shown(place), Unreadable(shown(place), "not_zip_or_truncated", str(error))
        return
    with archive:
        for member in archive.infolist():
            name = member.filename.encode("utf-8", "replace").decode("utf-8", "replace")
            locator = f"{shown(place)}:{name}"
            if unsafe(member.orig_filename):
                yield "", locator, Unreadable(locator, "unsafe_path", "it leads out of its folder")
            elif not member.is_dir() and wanted(name):
                yield _below(name), locator, _unzipped(archive, member, locator, most)


def _unzipped(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, locator: str, most: int
) -> bytes | Unreadable | Dropped:
    if stat.S_ISLNK(member.external_attr >> 16):
        return Dropped("link")
    if member.flag_bits & 1:
        return Unreadable(locator, "encrypted")
    try:
        with archive.open(member) as file:
            # What the directory says of a size is a claim.
            content = file.read(most + 1)
    except BROKEN_ZIP as error:
        return Unreadable(locator, "truncated_or_damaged", str(error))
    return content if len(content) <= most else Dropped("too_large")


def _below(name: str) -> str:
    return name.partition("/")[2] or name


def archived_commit(place: Path) -> str:
    """The id of the commit that an archive was made of; "" where it does not say."""
    if place.suffix == ".zip":
        try:
            with zipfile.ZipFile(place) as archive:
                comment = archive.comment.decode("ascii", "replace")
        except BROKEN_ZIP:
            return ""
        return comment if re.fullmatch("[0-9a-f]{40,64}", comment) else ""
    found = COMMENT.search(beginning_of(place, 2048, kind_of(place)))
    return found[1].decode() if found else ""

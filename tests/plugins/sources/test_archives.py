"""Archives that the standard library writes, as they are, damaged, and as attacks are."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pluglm import Unreadable
from pluglm_sources.packed.streams import Pieces, gunzipped, open_packed
from pluglm_sources.packed.tar_archives import is_tar, tar_members
from pluglm_sources.packed.zip_archives import Member, unsafe, zip_members

FILES = {f"folder/{number:03}.txt": random.Random(number).randbytes(number * 37) for number in range(60)}
LONG = {"d/" * 60 + "é.txt": b"long", "ü" * 120 + ".txt": b"longer"}


def tarred(
    files: dict[str, bytes],
    kind: int = tarfile.PAX_FORMAT,
    mode: str = "w",
    infos: dict[str, tarfile.TarInfo] | None = None,
) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode, format=kind) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, info in (infos or {}).items():
            info.name = name
            archive.addfile(info)
    return packed.getvalue()


def members(content: bytes, most: int = 10**6) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    found = list(tar_members(Pieces.of(content), "a.tar", most, lambda name: name.endswith(".txt")))
    good = {item.name: item.content for item in found if isinstance(item, Member)}
    return good, [(item.locator, item.reason) for item in found if isinstance(item, Unreadable)]


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_what_tarfile_wrote_is_read(kind: int) -> None:
    content = tarred(FILES | LONG | {"no.md": b"x"}, kind)
    assert members(content) == (FILES | LONG, [])
    assert is_tar(content) and not is_tar(b"\\documentclass{article}" * 100) and not is_tar(b"")
    ustar = tarred(FILES, tarfile.USTAR_FORMAT)
    assert members(ustar) == (FILES, [])
    assert members(ustar + content) == (FILES | LONG, []), "archives behind each other"


@pytest.mark.parametrize("packing", ["gz", "bz2", "zst", ""])
def test_the_packing_is_told_from_the_content(packing: str) -> None:
    import bz2

    import zstandard

    packs: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "": bytes}
    packs["zst"] = zstandard.ZstdCompressor().compress
    Path("some.dat").write_bytes(packs[packing](tarred(FILES)))
    with open_packed(Path("some.dat")) as file:
        found = list(tar_members(Pieces(file), "some.dat", 10**6, lambda name: True))
    assert {item.name: item.content for item in found if isinstance(item, Member)} == FILES


def test_behind_a_damaged_header_the_next_files_are_read() -> None:
    content = bytearray(tarred(FILES))
    with tarfile.open(fileobj=io.BytesIO(bytes(content))) as archive:
        offsets = {info.name: info.offset for info in archive}
    hit = ["folder/010.txt", "folder/011.txt", "folder/040.txt"]
    for name in hit:
        content[offsets[name] + 100] ^= 0x40
    good, bad = members(bytes(content))
    assert good == {name: text for name, text in FILES.items() if name not in hit}
    # Damage that is not interrupted by anything good is told once.
    assert bad == [(f"a.tar@{offsets[name]}", "damaged_tar_header") for name in ("folder/010.txt", "folder/040.txt")]


@pytest.mark.parametrize("cut", [511, 512, 700, 5000, 40_000])
def test_a_tar_that_breaks_off_gives_what_came_before(cut: int) -> None:
    content = tarred(FILES)
    good, bad = members(content[:cut])
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        whole = [info.name for info in archive if info.offset_data + info.size <= cut and info.offset + 512 <= cut]
    assert list(good) == whole or list(good) == whole[:-1]
    assert len(bad) == 1 and bad[0][1] == "truncated_or_damaged"


def test_a_tar_cut_between_two_files_is_noticed() -> None:
    content = tarred(FILES)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        offset = archive.getmembers()[30].offset
    good, bad = members(content[:offset])
    assert len(good) == 30 and bad == [(f"a.tar@{offset}", "truncated_or_damaged")]
    # The standard library's own reader takes it for whole.
    with tarfile.open(fileobj=io.BytesIO(content[:offset])) as archive:
        assert len(archive.getmembers()) == 30


def test_of_a_damaged_gzip_the_files_before_are_read() -> None:
    packed = bytearray(gzip.compress(tarred(FILES)))
    packed[len(packed) // 2] ^= 0xFF
    Path("a.tar.gz").write_bytes(packed)
    with open_packed(Path("a.tar.gz")) as file:
        found = list(tar_members(Pieces(file), "a.tar.gz", 10**6, lambda name: True))
    assert sum(isinstance(item, Member) for item in found) > 20
    assert isinstance(found[-1], Unreadable) and found[-1].reason == "truncated_or_damaged"


def test_links_devices_and_paths_that_lead_out_are_refused() -> None:
    link, hard, device = tarfile.TarInfo(), tarfile.TarInfo(), tarfile.TarInfo()
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "../../etc/passwd"
    device.type = tarfile.CHRTYPE
    evil = {"../up.txt": b"1", "/root.txt": b"2", "a/../../b.txt": b"3", "good.txt": b"4"}
    good, bad = members(tarred(evil, infos={"l.txt": link, "h.txt": hard, "d.txt": device}))
    assert good == {"good.txt": b"4"}
    assert [reason for _, reason in bad] == ["unsafe_path"] * 3 + ["not_a_regular_file"] * 3


def test_sizes_are_bounded_before_anything_is_read() -> None:
    content = bytearray(tarred({"big.txt": b"x" * 5000, "small.txt": b"y"}))
    good, bad = members(bytes(content), most=100)
    assert good == {"small.txt": b"y"} and bad[0][1] == "file_too_large"
    lying = tarfile.TarInfo("lying.txt")
    lying.size = 1 << 40
    good, bad = members(tarred({"a.txt": b"a"})[:1024] + lying.tobuf(tarfile.GNU_FORMAT) + b"x" * 4096, most=1 << 50)
    assert good == {"a.txt": b"a"} and bad == [("a.tar@1024:lying.txt", "truncated_or_damaged")]
    names = tarfile.TarInfo("././@LongLink")
    names.type, names.size = tarfile.GNUTYPE_LONGNAME, 1 << 20
    good, bad = members(names.tobuf() + b"n" * (1 << 20) + tarred({"a.txt": b"a"}))
    assert good == {"a.txt": b"a"} and bad == [("a.tar@0", "damaged_tar_header")]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("a/b.txt", False), ("..a/b..txt", False), ("", False)),
        *(("../a", True), ("a/../b", True), ("/a", True), ("C:\\a", True), ("..\\a", True), ("a\0b", True)),
    ],
)
def test_unsafe_names(name: str, bad: bool) -> None:
    assert unsafe(name) is bad


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_zip_members_damaged_and_too_large_do_not_touch_the_others() -> None:
    content = bytearray(zipped({"1.txt": b"one" * 50, "2.txt": b"two" * 50, "3.txt": b"three", "4.bin": b"no"}))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        content[archive.getinfo("2.txt").header_offset + 40] ^= 0xFF
    found = list(zip_members(bytes(content), "a.zip", 10**6, lambda name: name.endswith(".txt")))
    assert [item.name if isinstance(item, Member) else item.reason for item in found] == [
        "1.txt",
        "truncated_or_damaged",
        "3.txt",
    ]
    # The budget is for all members together: many small bombs are a bomb.
    bombs = zipped({f"{number}.txt": b"0" * 400_000 for number in range(5)})
    found = list(zip_members(bombs, "b.zip", 10**6, lambda name: True))
    assert [isinstance(item, Member) for item in found] == [True, True, False, False, False]


def test_encrypted_members_and_what_is_no_zip() -> None:
    content = bytearray(zipped({"1.txt": b"secret"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    reasons = [item.reason for item in zip_members(bytes(content), "a", 100, lambda name: True)]
    assert reasons == ["encrypted"]
    assert [item.reason for item in zip_members(b"no", "a", 9, lambda name: True)] == ["not_zip_or_truncated"]


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    found = gunzipped(bomb, 1_000_000, "a.gz")
    assert isinstance(found, Unreadable) and found.reason == "file_too_large"
    assert gunzipped(gzip.compress(b"abc"), 3, "a.gz") == b"abc"
    broken = gunzipped(gzip.compress(random.Random(1).randbytes(9999))[:-500], 10**6, "a.gz")
    assert isinstance(broken, Unreadable) and broken.reason == "truncated_or_damaged"

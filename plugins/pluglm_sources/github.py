"""Code from repositories."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.code.declared_encodings import decoded_code
from pluglm_sources.code.file_kinds import (
    DATA,
    is_binary,
    language_of,
    languages,
    not_written_by_hand,
    not_written_here,
)
from pluglm_sources.code.git_repository import Blob, GitError, Repository, git_folder
from pluglm_sources.code.licences import is_licence_file, licence_in_header, licence_of_folder, licence_of_text
from pluglm_sources.code.repository_archives import archived_commit, archived_files
from pluglm_sources.code.secret_tokens import secrets_in
from pluglm_sources.files.local import FileSource, Paths
from pluglm_sources.files.paths import Matches, matches_of, shown
from pluglm_sources.packed.opening import reason_of

LICENCE_BYTES = 200_000


class Github(FileSource):
    """Code of repositories: local git clones, bare or not, or archives of them (.tar.gz, .zip) as GitHub gives them.

    A clone is read out of its objects at one commit; nothing is checked out and nothing in it is run. Files that are
    vendored, generated, minified, lock files, binary, too large or nearly empty are left out and counted, and so are
    those with secrets in them. The licence is that of the file's SPDX header, or of the nearest licence file.

    Source: the rules of https://github.com/github-linguist/linguist
    """

    paths: Annotated[Paths, Field(description="Clones and archives, as globs (** goes into folders)")]
    revision: Annotated[
        str, Field(pattern=r"^[\w./@^~{}-]+$", description="Branch, tag or commit that is read of clones")
    ] = "HEAD"
    languages: Annotated[tuple[str, ...], Field(description="Only these, as Pygments names them; empty for all")] = ()
    licences: Annotated[tuple[str, ...], Field(description="Only these SPDX ids; empty for all, and for none")] = ()
    data_files: Annotated[bool, Field(description="Also take JSON, YAML, XML, CSV and the like")] = False
    secrets: Annotated[
        Literal["drop", "tag"], Field(description="Leave out files with keys and tokens, or name these in the metadata")
    ] = "drop"
    min_characters: Annotated[int, Field(ge=1, description="Files with fewer, blanks not counted, are left out")] = 40
    max_file_bytes: Annotated[int, Field(ge=1, description="Larger files are left out")] = 1_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """An archive of one file."""
        import zipfile

        with zipfile.ZipFile(folder / "greeting-main.zip", "w") as archive:
            archive.writestr("greeting-main/greeting.py", 'def greeting(name):\n    return f"Good morning, {name}!"\n')
        return {"paths": [str(folder / "greeting-main.zip")]}

    def problems(self, run: Any) -> Iterator[Problem]:
        """A glob that matches neither a clone nor a file, and a language that there is not."""
        for label, source in run.source.items():
            if source is self:
                for pattern in self.paths:
                    found = matches_of([pattern], wanted_folder=git_folder)
                    if not (found.files or found.wanted):
                        said = "; ".join(f"{shown(name)} is {kind}" for name, kind in found.others.items())
                        yield Problem(
                            f"source.{label}.paths", "matches no git repository and no archive", pattern, said
                        )
                known = {name.lower(): name for name in languages()} if self.languages else {}
                for name in self.languages:
                    if name.lower() not in known:
                        near = get_close_matches(name.lower(), known, 1)
                        hint = f"did you mean {known[near[0]]}?" if near else "pygments.org/languages has the names"
                        yield Problem(f"source.{label}.languages", "is no language that is known", name, hint)

    def repositories(self) -> list[Path]:
        """The clones and archives, sorted, each once."""
        found = self._matches()
        return sorted(Path(name) for name in (*found.files, *found.wanted))

    def _matches(self) -> Matches:
        return matches_of(self.paths, wanted_folder=git_folder)

    def inputs(self) -> Iterable[Path]:
        """The archives, and of each clone the files that say at which commit it is: its id tells all of its content."""
        found: list[Path] = []
        for place in self.repositories():
            folder = git_folder(place) if place.is_dir() else None
            found += _heads(folder, self.revision) if folder else [place]
        return found

    def shards(self) -> Sequence[Source]:
        """One for each repository."""
        found = sorted(self._matches().globs())
        return [self.model_copy(update={"paths": globs}) for _, globs in found] or (self,)

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The files of each repository in its own order."""
        yield from self._matches().left_out()
        for place in self.repositories():
            yield from self.read_file(place)

    def read_file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        """The files of one clone or archive."""
        folder = git_folder(path) if path.is_dir() else None
        try:
            yield from self._of_clone(path, Repository(folder)) if folder else self._of_archive(path)
        except (GitError, FileNotFoundError, subprocess.SubprocessError) as error:
            yield Unreadable(shown(path), "unreadable_repository", str(error))
        except OSError as error:
            yield Unreadable(shown(path), reason_of(error), str(error))

    def _of_clone(self, place: Path, repository: Repository) -> Iterator[Document | Unreadable | Dropped]:
        commit = repository.commit(self.revision)
        about = {"repository": repository.origin() or shown(place.name).removesuffix(".git"), "commit": commit}
        named = (blob for blob in repository.files(commit) if is_licence_file(blob.path) and blob.size < LICENCE_BYTES)
        licences = _licences((blob.path, content) for blob, content in repository.contents(named))
        left: list[Dropped] = []

        def wanted() -> Iterator[Blob]:
            for blob in repository.files(commit):
                reason = self._unwanted(blob.path, blob.size) if blob.regular else "link"
                if reason is None:
                    yield blob
                else:
                    left.append(Dropped(reason))

        for blob, content in repository.contents(wanted()):
            yield from left
            left.clear()
            locator = f"{shown(place)}@{commit[:12]}:{blob.path}"
            if isinstance(content, GitError):
                yield Unreadable(locator, "damaged_object", str(content))
            else:
                yield self._document(blob.path, locator, content, about, licences)
        yield from left

    def _of_archive(self, place: Path) -> Iterator[Document | Unreadable | Dropped]:
        licences = _licences(
            (path, content) for path, _, content in archived_files(place, LICENCE_BYTES, is_licence_file)
        )
        name = re.sub(r"\.(?:zip|tar|tgz|tar\.\w+)$", "", shown(place.name))
        about = {"repository": name, "commit": archived_commit(place)}
        for path, locator, content in archived_files(place, self.max_file_bytes, lambda name: True):
            if not isinstance(content, bytes):
                yield content
                continue
            reason = self._unwanted(path, len(content))
            yield Dropped(reason) if reason else self._document(path, locator, content, about, licences)

    def _unwanted(self, path: str, size: int) -> str | None:
        return not_written_here(path) or ("too_large" if size > self.max_file_bytes else None)

    def _document(
        self, path: str, locator: str, content: bytes, about: dict[str, str], licences: dict[str, str]
    ) -> Document | Unreadable | Dropped:
        if is_binary(content):
            return Dropped("binary")
        text = decoded_code(content, locator)
        if isinstance(text, Unreadable):
            return text
        language = language_of(path, text)
        licence = licence_in_header(text) or licence_of_folder(licences, path)
        secrets = secrets_in(text)
        wanted = {name.lower() for name in self.languages}
        reasons = {
            "near_empty": len("".join(text.split())) < self.min_characters,
            "unknown_language": language is None,
            "data": language in DATA and not self.data_files and (language or "").lower() not in wanted,
            "other_language": bool(self.languages) and (language or "").lower() not in wanted,
            "other_licence": bool(self.licences) and licence not in self.licences,
            "secret": bool(secrets) and self.secrets == "drop",
        }
        reason = next((name for name, applies in reasons.items() if applies), None)
        reason = reason or not_written_by_hand(text, language or "")
        if reason is not None:
            return Dropped(reason)
        metadata: dict[str, Any] = {**about, "path": path, "language": language, "locator": locator, "licence": licence}
        metadata |= {"secrets": secrets} if secrets else {}
        record = f"{about['repository']}@{about['commit']}:{path}" if about["commit"] else ""
        kept = {key: value for key, value in metadata.items() if value}
        return Document(text, id=locator, metadata=kept, record=record)


def _heads(folder: Path, revision: str) -> list[Path]:
    common = folder / "commondir"
    shared = (folder / os.fsdecode(common.read_bytes().strip())).resolve() if common.is_file() else folder
    head = (folder / "HEAD").read_text(encoding="utf-8", errors="replace").partition("ref:")[2].strip()
    names = [head, revision, *(f"refs/{kind}/{revision}" for kind in ("heads", "tags", "remotes"))]
    places = [folder / "HEAD", shared / "packed-refs", *(shared / name for name in names if name)]
    return [place for place in dict.fromkeys(places) if place.is_file()]


def _licences(files: Iterable[tuple[str, object]]) -> dict[str, str]:
    """The licences of those licence files that are known."""
    texts = ((path, content.decode("utf-8", "replace")) for path, content in files if isinstance(content, bytes))
    found = ((path, licence_of_text(text)) for path, text in texts)
    return {path: name for path, name in found if name is not None}

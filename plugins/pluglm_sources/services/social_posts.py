"""What posts of people have in common, whatever the service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from pluglm import Problem, Source
from pluglm_sources.files.local import FileSource


def unescaped(text: str) -> str:
    """A text as its author wrote it: Reddit and X give <, > and & as entities, and nothing else."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class SocialPosts(FileSource):
    """Base of the sources of posts: they need consent to be used, and name nobody."""

    acknowledge_terms: Annotated[
        bool, Field(description="true says that you may use these posts: the service's terms and the law of your place")
    ] = False
    salt: Annotated[
        str, Field(description="What authors are hashed with; by default made of the files, another for each corpus")
    ] = ""
    min_score: Annotated[int | None, Field(description="Least score, votes or likes; null for any")] = None
    max_line_bytes: Annotated[int, Field(ge=1, description="Longer lines are quarantined unread")] = 16_000_000

    def problems(self, run: Any) -> Iterator[Problem]:
        """Terms that were not acknowledged, and a glob that matches no file."""
        yield from super().problems(run)
        for label, source in run.source.items():
            if source is self and not self.acknowledge_terms:
                reason = "must be true: posts are people's, and their use is bound to terms and law"
                yield Problem(f"source.{label}.acknowledge_terms", reason, False)

    def shards(self) -> Sequence[Source]:
        """Groups of files, each with the salt of the whole corpus: an author has one name in all of it."""
        return [shard.model_copy(update={"salt": self._salt}) for shard in super().shards()]

    @cached_property
    def _salt(self) -> str:
        if self.salt:
            return self.salt
        files = [f"{path.name}:{path.stat().st_size if path.exists() else 0}" for path in self.inputs()]
        return hashlib.sha256("\n".join(files).encode()).hexdigest()

    def hashed(self, author: object) -> str:
        """A name for an author that tells only which posts of this corpus are by the same one."""
        return hashlib.sha256(f"{self._salt}\0{author}".encode()).hexdigest()[:16]

    def scores_enough(self, score: object) -> bool:
        """Whether a post's score is not below `min_score`; one without a score is let through."""
        return self.min_score is None or not isinstance(score, int) or score >= self.min_score

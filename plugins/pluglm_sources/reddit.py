"""Reddit's submissions and comments, from dumps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.files.json_text import parsed
from pluglm_sources.files.reading import text_lines_of
from pluglm_sources.files.values import named
from pluglm_sources.services.social_posts import SocialPosts, unescaped
from pluglm_sources.text.dates import of_seconds

GONE = ("[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]")
BOTS = ("automoderator", "remindmebot", "gifreversingbot", "sneakpeekbot", "autotldr")


def is_gone(post: Mapping[str, Any]) -> bool:
    """Whether a post was deleted or removed: its text or title says so, Reddit does (removed_by_category), or who made
    the dump, and found it gone later (_meta, of Arctic Shift's)."""
    texts = ((post.get(key) or "").strip() for key in ("body", "title", "selftext"))
    later = post.get("_meta")
    later = later if isinstance(later, dict) else {}
    return any(text in GONE for text in texts) or any(
        (post.get("removed_by_category"), later.get("removal_type"), later.get("was_deleted_later"))
    )


def is_bot(author: str) -> bool:
    """Whether an author calls itself one: a known bot, or a name that ends in bot."""
    name = author.lower()
    return name in BOTS or name.endswith(("bot", "_bot", "-bot"))


class Reddit(SocialPosts):
    """Reddit's submissions and comments in the form of the Pushshift dumps: one JSON object a line, often as .zst.

    Used with caution: it refuses to run without `acknowledge_terms=true`, authors are hashed, and posts that were
    deleted or removed are left out and counted. A submission is its title, an empty line and its text.

    Source: Baumgartner et al. 2020, https://arxiv.org/abs/2001.08435
    """

    subreddits: Annotated[tuple[str, ...], Field(description="Only these, without r/; empty for all")] = ()
    kinds: Annotated[tuple[Literal["submission", "comment"], ...], Field(min_length=1, description="What is taken")] = (
        "submission",
        "comment",
    )
    over_18: Annotated[bool, Field(description="Also take what is marked as not safe for work")] = False
    bots: Annotated[bool, Field(description="Also take what bots wrote")] = False

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A dump of two posts."""
        path = folder / "RC_2024-01"
        posts = [{"id": f"a{n}", "author": "someone", "body": f"Comment number {n}.", "score": n} for n in range(2)]
        path.write_text("".join(json.dumps(post) + "\n" for post in posts), encoding="utf-8")
        return {"paths": [str(path)], "acknowledge_terms": True}

    def read_file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        """The posts of one file."""
        for locator, text in text_lines_of(path, self.max_line_bytes):
            post = text if isinstance(text, Unreadable) else self._post(text, locator)
            yield post if isinstance(post, Unreadable) else self._document(post, locator)

    def _post(self, line: str, locator: str) -> Mapping[str, Any] | Unreadable:
        post = parsed(line, locator)
        if isinstance(post, Unreadable):
            return post
        if not isinstance(post, dict) or not ("body" in post or "title" in post) or "id" not in post:
            return Unreadable(locator, "not_a_post", "neither a comment (body) nor a submission (title), or no id")
        # A submission may have no text beside its title.
        needed = "body" if "body" in post else "title"
        for key in ("body", "title", "selftext"):
            value = post.get(key)
            if not isinstance(value, str) and (value is not None or key == needed):
                return Unreadable(locator, "wrong_type", f"{key} is a {type(value).__name__}, not text")
        if named(post["id"]) is None:
            return Unreadable(locator, "wrong_type", f"id is a {type(post['id']).__name__}")
        return post

    def _unwanted(self, post: Mapping[str, Any], kind: str) -> str | None:
        wanted = {name.lower().removeprefix("r/") for name in self.subreddits}
        reasons = {
            "other_kind": kind not in self.kinds,
            "deleted": is_gone(post),
            "other_subreddit": bool(wanted) and str(post.get("subreddit", "")).lower() not in wanted,
            "over_18": bool(post.get("over_18")) and not self.over_18,
            "bot": is_bot(str(post.get("author") or "")) and not self.bots,
            "low_score": not self.scores_enough(post.get("score")),
        }
        return next((reason for reason, applies in reasons.items() if applies), None)

    def _document(self, post: Mapping[str, Any], locator: str) -> Document | Dropped:
        kind = "comment" if "body" in post else "submission"
        parts = [post["body"]] if kind == "comment" else [post["title"], post.get("selftext") or ""]
        reason = self._unwanted(post, kind)
        if reason is not None:
            return Dropped(reason)
        text = "\n\n".join(unescaped(part).strip() for part in parts if part.strip())
        metadata: dict[str, Any] = {"kind": kind, "locator": locator}
        # What is of another type than the service writes is left out.
        for key, kinds in (("subreddit", (str,)), ("score", (int,)), ("link_id", (str,)), ("parent_id", (str, int))):
            if type(post.get(key)) in kinds:
                metadata[key] = post[key]
        author = post.get("author")
        if isinstance(author, str) and author not in ("", *GONE):
            metadata["author"] = self.hashed(author)
        for name, keys in (("created", ("created_utc",)), ("retrieved", ("retrieved_on", "retrieved_utc"))):
            if time := next(filter(None, (of_seconds(post.get(key)) for key in keys)), None):
                metadata[name] = time
        number = named(post["id"])
        return Document(text, id=f"{locator}:{number}", metadata=metadata, record=f"{kind}:{number}")

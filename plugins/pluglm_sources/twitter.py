"""Posts of X (Twitter), from saved answers of its interface or an account's own archive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.files.values import named
from pluglm_sources.services.social_posts import SocialPosts, unescaped
from pluglm_sources.services.twitter import posts_of
from pluglm_sources.text.dates import is_date

# Longer numbers count nothing.
MOST_DIGITS = 19


class Twitter(SocialPosts):
    """Posts of X (Twitter): saved answers of its interface, version 2, or `tweets.js` of an account's archive.

    Used with caution: it refuses to run without `acknowledge_terms=true`, authors are hashed, names after @ become
    `@user`, and posts that an answer reports as deleted or withheld are counted and left out.

    Sources: https://developer.x.com/en/docs/x-api; the archive is what an account's owner can ask X for.
    """

    retweets: Annotated[bool, Field(description="Also take what only repeats another post")] = False
    replies: Annotated[bool, Field(description="Also take answers to other posts")] = True
    languages: Annotated[tuple[str, ...], Field(description="Only posts marked with these; empty for all")] = ()

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """One saved answer of two posts."""
        path = folder / "answer.json"
        path.write_text(
            json.dumps({"data": [{"id": "1", "text": "Good morning."}, {"id": "2", "text": "Good night."}]}),
            encoding="utf-8",
        )
        return {"paths": [str(path)], "acknowledge_terms": True}

    def read_file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        """The posts of one file."""
        for locator, post in posts_of(path, self.max_line_bytes):
            yield self._document(post, locator) if isinstance(post, Mapping) else post

    def _document(self, post: Mapping[str, Any], locator: str) -> Document | Unreadable | Dropped:
        text = post.get("full_text") or _object(post, "note_tweet").get("text") or post.get("text")
        number = named(post.get("id_str") or post.get("id"))
        if not isinstance(text, str) or number is None:
            return Unreadable(locator, "not_a_post", "it has no text or no id")
        others = post.get("referenced_tweets")
        kinds = {str(o.get("type")) for o in (others if isinstance(others, list) else ()) if isinstance(o, dict)}
        repeats = "retweeted" in kinds or bool(post.get("retweeted")) or text.startswith("RT @")
        answers = "replied_to" in kinds or bool(post.get("in_reply_to_status_id") or post.get("in_reply_to_user_id"))
        counted = named(_object(post, "public_metrics").get("like_count", post.get("favorite_count"))) or ""
        likes = int(counted) if counted.isdecimal() and len(counted) < MOST_DIGITS else None
        language = post["lang"] if isinstance(post.get("lang"), str) else ""
        gone = ("deleted_at", "withheld", "withheld_copyright", "withheld_in_countries")
        reasons = {
            "deleted": any(post.get(key) for key in gone),
            "retweet": repeats and not self.retweets,
            "reply": answers and not self.replies,
            "other_language": bool(self.languages) and language not in self.languages,
            "low_score": not self.scores_enough(likes),
        }
        for reason, applies in reasons.items():
            if applies:
                return Dropped(reason)
        metadata: dict[str, Any] = {"locator": locator}
        metadata |= {"language": language} if language else {}
        metadata |= {"created": post["created_at"]} if is_date(post.get("created_at")) else {}
        metadata |= {"score": likes} if likes is not None else {}
        if author := named(post.get("author_id")):
            metadata["author"] = self.hashed(author)
        text = without_names(unescaped(text))
        return Document(text, id=f"{locator}:{number}", metadata=metadata, record=number)


def _object(post: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = post.get(key)
    return value if isinstance(value, dict) else {}


def without_names(text: str) -> str:
    """The text with `@user` in the place of every name after @ (letters, digits and _, 15 at most)."""
    return re.sub(r"(?<![\w@])@\w{1,15}\b", "@user", text)

"""Questions and answers of Stack Overflow and its sisters, from the data dump."""

from __future__ import annotations

import html
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.files.local import FileSource
from pluglm_sources.files.paths import shown
from pluglm_sources.files.reading import text_lines_of
from pluglm_sources.text.dates import is_iso_date
from pluglm_sources.text.html_snippets import plain

QUESTION, ANSWER = "1", "2"
# https://stackoverflow.com/help/licensing
LICENCES = (("2018-05-02", "CC-BY-SA-4.0"), ("2011-04-08", "CC-BY-SA-3.0"), ("", "CC-BY-SA-2.5"))
SAID = re.compile(r"CC BY-SA \d\.\d")
# What of a dump is around its rows.
FRAME = re.compile(r"(<\?xml[^<>]*\?>)?\s*(</?posts\s*/?>)?")


def licence(date: str, said: str = "") -> str:
    """The licence of a post: as its row says (ContentLicense), or else by the day it was written (ISO 8601)."""
    if SAID.fullmatch(said):
        return said.replace(" ", "-")
    return next(name for since, name in LICENCES if date >= since)


def tags(given: str) -> list[str]:
    """Tags of either form of the dump: <python><list> or |python|list|."""
    return [tag for tag in re.split(r"[<>|]+", given) if tag]


class StackOverflow(FileSource):
    """Questions with their answers from `Posts.xml` of the Stack Exchange data dump, as it is or packed as .gz or .zst.

    A document is a question's title and text and its best answers: the accepted one first, the others by score. Posts
    wait for their answers in a temporary file, not in memory. An answer counts with its question, as one record. Each
    line of the dump is read by itself, so that damage costs only the lines it hit.

    Source: https://archive.org/details/stackexchange
    """

    requires = {"defusedxml": "pluglm[data]"}

    min_score: Annotated[int, Field(description="Least score of a question, and of an answer that is not accepted")] = 0
    max_answers: Annotated[int, Field(ge=0, description="Answers for each question at most")] = 3
    answered: Annotated[bool, Field(description="Only questions with an answer that was taken")] = True
    tags: Annotated[tuple[str, ...], Field(description="Only questions with one of these tags; empty for all")] = ()
    max_line_bytes: Annotated[int, Field(ge=1, description="Longer lines are quarantined unread")] = 16_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A dump of one question and its answer."""
        path = folder / "Posts.xml"
        path.write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
            '  <row Id="1" PostTypeId="1" AcceptedAnswerId="2" Title="Why?" Body="&lt;p&gt;Tell me.&lt;/p&gt;" />\n'
            '  <row Id="2" PostTypeId="2" ParentId="1" Score="7" Body="&lt;p&gt;Because.&lt;/p&gt;" />\n</posts>\n',
            encoding="utf-8",
        )
        return {"paths": [str(path)]}

    def read_file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        """What cannot be read of a file, then its questions by their number, then the answers to none of them."""
        with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "posts.db")) as store:
            store.execute("PRAGMA synchronous=OFF")
            store.execute(
                "CREATE TABLE questions (id INTEGER PRIMARY KEY, accepted, score, date, licence, title, tags, body)"
            )
            store.execute("CREATE TABLE answers (id INTEGER PRIMARY KEY, parent, score, date, licence, body)")
            unended, last = False, None
            for locator, line in text_lines_of(path, self.max_line_bytes):
                if isinstance(line, str) and (frame := FRAME.fullmatch(line.strip())):
                    unended = "/" not in frame[2] if frame[2] else unended
                    continue
                last = line if isinstance(line, Unreadable) else self._keep(store, line.strip(), locator)
                if last is not None:
                    yield last
            if unended and not (isinstance(last, Unreadable) and last.reason == "truncated_or_damaged"):
                yield Unreadable(shown(path), "truncated", "it has no </posts>")
            store.execute("CREATE INDEX by_parent ON answers (parent, score DESC)")
            yield from self._documents(store, shown(path))
            orphans = "SELECT id, parent FROM answers WHERE parent NOT IN (SELECT id FROM questions) ORDER BY id"
            for number, parent in store.execute(orphans):
                yield Dropped("orphan_answer", f"{shown(path)}#{number}: its question, {parent}, is not there")

    def _keep(self, store: sqlite3.Connection, line: str, locator: str) -> Unreadable | Dropped | None:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring

        try:
            row: Mapping[str, str] = fromstring(line).attrib
            kind, number = row.get("PostTypeId"), int(row["Id"])
            score, date, body = int(row.get("Score", 0)), row.get("CreationDate", ""), row.get("Body", "")
            date = date if is_iso_date(date) else ""
            terms = licence(date, row.get("ContentLicense", ""))
            if kind == QUESTION:
                accepted = int(row.get("AcceptedAnswerId", 0))
                values = (number, accepted, score, date, terms, row.get("Title", ""), row.get("Tags", ""), body)
                store.execute("INSERT INTO questions VALUES (?,?,?,?,?,?,?,?)", values)
            elif kind == ANSWER:
                answer = (number, int(row["ParentId"]), score, date, terms, body)
                store.execute("INSERT INTO answers VALUES (?,?,?,?,?,?)", answer)
            else:
                if int(row["PostTypeId"]) < int(QUESTION):
                    raise ValueError(f"PostTypeId {kind}")
                # Pages about tags, elections and the like.
                return Dropped("other_type")
        except (ParseError, DefusedXmlException) as error:
            return Unreadable(locator, "invalid_xml", str(error) or type(error).__name__)
        except (KeyError, ValueError, OverflowError) as error:
            return Unreadable(locator, "not_a_post", f"{type(error).__name__}: {error}")
        except sqlite3.IntegrityError:
            return Unreadable(locator, "duplicate_id", f"another post has Id {number}")
        return None

    def _documents(self, store: sqlite3.Connection, path: str) -> Iterator[Document | Dropped]:
        query = "SELECT id, score, licence, body FROM answers WHERE parent = ? AND (score >= ? OR id = ?) "
        query += "ORDER BY id = ? DESC, score DESC, id LIMIT ?"
        questions = store.execute("SELECT * FROM questions ORDER BY id")
        for number, accepted, score, date, terms, title, given, body in questions:
            marks = tags(given)
            answers = store.execute(query, (number, self.min_score, accepted, accepted, self.max_answers)).fetchall()
            reasons = {
                "low_score": score < self.min_score,
                "other_tag": bool(self.tags) and not set(self.tags) & set(marks),
                "unanswered": self.answered and not answers,
            }
            reason = next((reason for reason, applies in reasons.items() if applies), None)
            if reason is not None:
                yield Dropped(reason)
                continue
            texts = [html.unescape(title), plain(body), *(plain(answer[3]) for answer in answers)]
            fields = {"question": "\n\n".join(text for text in texts[:2] if text), "answers": texts[2:]}
            # Of several licences the newest is named: it lets the older ones' texts be passed on under it.
            metadata = {
                "licence": max([terms, *(answer[2] for answer in answers)]),
                "score": score,
                "tags": marks,
                **({"created": date} if date else {}),
                "accepted": bool(answers) and answers[0][0] == accepted,
                "locator": f"{path}#{number}",
            }
            yield Document("\n\n".join(filter(None, texts)), id=f"{path}#{number}", fields=fields, metadata=metadata)

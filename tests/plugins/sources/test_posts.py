"""Stack Overflow, Reddit and X in their own formats, whole and damaged."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import zstandard

from pluglm import Document, Dropped, Unreadable
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm_sources.reddit import Reddit, is_bot
from pluglm_sources.stack_overflow import StackOverflow, licence, tags
from pluglm_sources.text.html_snippets import plain
from pluglm_sources.twitter import Twitter, without_names


def of(found, kind):
    return [item for item in found if isinstance(item, kind)]


def reasons(found):
    return [item.reason for item in found if not isinstance(item, Document)]


# Stack Overflow


def row(**attributes):
    return ET.tostring(ET.Element("row", {k: str(v) for k, v in attributes.items()}), encoding="unicode")


def question(number, **more):
    plain = {
        "Id": number,
        "PostTypeId": 1,
        "Score": 3,
        "CreationDate": "2020-01-01T10:00:00.000",
        "Title": f"T{number}",
    }
    return row(**{**plain, "Body": f"<p>Question {number} &amp; more</p>", "Tags": "<python><list>", **more})


def answer(number, parent, **more):
    plain = {"Id": number, "PostTypeId": 2, "ParentId": parent, "Score": 1, "CreationDate": "2020-02-01T10:00:00.000"}
    return row(**{**plain, "Body": f"<p>Answer {number}</p>", **more})


def dump(path: Path, *rows: str) -> Path:
    text = '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(f"  {r}\n" for r in rows) + "</posts>"
    path.write_text(text, encoding="utf-8")
    return path


def questions(path, **parameters):
    return list(StackOverflow(paths=(str(path),), **parameters).read())


def test_answers_stand_behind_their_question(tmp_path):
    path = dump(
        tmp_path / "Posts.xml",
        question(1, AcceptedAnswerId=4, Title="Why &lt;b&gt; &amp; not <i>?"),
        answer(2, 1, Score=9),
        question(3),
        answer(4, 1, Score=-2),
        answer(5, 1, Score=-1),
        answer(6, 1, Score=10),
        row(Id=7, PostTypeId=5, Body="a tag's wiki"),
    )
    wiki, first, unanswered = questions(path)
    # The accepted answer first, whatever its score; then by score; none below the least.
    assert first.fields["answers"] == ["Answer 4", "Answer 6", "Answer 2"]
    assert first.text.startswith("Why <b> & not <i>?\n\nQuestion 1 & more\n\nAnswer 4")
    assert first.metadata["tags"] == ["python", "list"] and first.metadata["accepted"] is True
    assert first.metadata["licence"] == "CC-BY-SA-4.0" and first.metadata["locator"].endswith("#1")
    assert unanswered == Dropped("unanswered") and wiki == Dropped("other_type")
    assert len(questions(path, answered=False)) == 3
    assert questions(path, max_answers=1)[1].fields["answers"] == ["Answer 4"]
    assert questions(path, tags=("rust",))[1:] == [Dropped("other_tag")] * 2
    assert questions(path, min_score=4)[1] == Dropped("low_score")


def test_a_post_as_plain_text():
    body = "<p>Use <code>a &lt; b</code>:</p>\n<pre><code>for x in y:\n    pass\n</code></pre>"
    body += "<ul><li>one</li><li>two</li></ul>"
    assert plain(body) == "Use a < b:\n\nfor x in y:\n    pass\n\n- one\n- two"
    assert tags("<c++><.net>") == tags("|c++|.net|") == ["c++", ".net"] and tags("") == []


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2011-04-07", "2.5"),
        ("2011-04-08", "3.0"),
        ("2018-05-01T23", "3.0"),
        ("2018-05-02", "4.0"),
        ("2024-01-01", "4.0"),
    ],
)
def test_licence_by_day(day, name):
    # https://stackoverflow.com/help/licensing
    assert licence(day) == f"CC-BY-SA-{name}"


def test_damage_costs_only_the_lines_it_hit(tmp_path):
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><row Id="50" PostTypeId="1" Title="&b;" />'
    path = dump(
        tmp_path / "Posts.xml",
        question(1), answer(2, 1), question(3)[:-9], "noise", bomb, row(Id="x", PostTypeId=1), row(Id=9, PostTypeId=2),
        question(10), answer(11, 10),
    )  # fmt: skip
    found = questions(path)
    assert [d.metadata["locator"].rpartition("#")[2] for d in of(found, Document)] == ["1", "10"]
    wrong = {u.locator.rpartition(":")[2]: u.reason for u in of(found, Unreadable)}
    assert wrong == {"5": "invalid_xml", "6": "invalid_xml", "7": "invalid_xml", "8": "not_a_post", "9": "not_a_post"}
    # A packed dump that was cut short gives what came before, and says so.
    packed = gzip.compress(path.read_bytes() + dump(tmp_path / "more", *map(question, range(100, 4000))).read_bytes())
    (tmp_path / "Posts.xml.gz").write_bytes(packed[: len(packed) * 3 // 4])
    cut = questions(tmp_path / "Posts.xml.gz", answered=False)
    assert len(of(cut, Document)) > 1000 and of(cut, Unreadable)[-1].reason == "truncated_or_damaged"


def test_flipped_bytes_never_stop_the_reading(tmp_path):
    data = bytearray(
        dump(tmp_path / "p", *[r for n in range(1, 400, 2) for r in (question(n), answer(n + 1, n))]).read_bytes()
    )
    draw = random.Random(1)
    for _ in range(40):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    (tmp_path / "Posts.xml").write_bytes(data)
    found = questions(tmp_path / "Posts.xml")
    assert len(of(found, Document)) > 150 and of(found, Unreadable)


# Reddit

COMMENT = {
    "id": "c1",
    "author": "Ada",
    "body": "I  agree.",
    "subreddit": "books",
    "score": 4,
    "created_utc": "1700000000",
}
POST = {
    "id": "s1",
    "author": "Ada",
    "title": "A title",
    "selftext": "Text.",
    "subreddit": "Books",
    "score": 9,
    "over_18": False,
}


def reddit(tmp_path, *posts, **parameters):
    lines = "".join((post if isinstance(post, str) else json.dumps(post)) + "\n" for post in posts)
    path = tmp_path / "RC_2024-01.zst"
    path.write_bytes(zstandard.compress(lines.encode("utf-8", "surrogatepass")))
    return list(Reddit(paths=(str(path),), acknowledge_terms=True, **parameters).read())


def test_posts_of_both_kinds(tmp_path):
    comment, post = reddit(tmp_path, COMMENT, POST)
    assert comment.text == "I  agree." and post.text == "A title\n\nText."
    assert comment.metadata["created"] == "2023-11-14T22:13:20+00:00" and comment.metadata["kind"] == "comment"
    # The same author is the same, and nobody's name is there.
    assert comment.metadata["author"] == post.metadata["author"] and "Ada" not in repr([comment, post])
    other = reddit(tmp_path, COMMENT, salt="another corpus")[0]
    assert other.metadata["author"] != comment.metadata["author"]


@pytest.mark.parametrize(
    ("change", "parameters", "reason"),
    [
        ({"body": "[deleted]"}, {}, "deleted"),
        ({"body": "[removed]"}, {}, "deleted"),
        ({}, {"kinds": ("submission",)}, "other_kind"),
        ({}, {"subreddits": ("r/music",)}, "other_subreddit"),
        ({"over_18": True}, {}, "over_18"),
        ({"author": "AutoModerator"}, {}, "bot"),
        ({}, {"min_score": 5}, "low_score"),
    ],
)
def test_what_is_left_out_is_counted(tmp_path, change, parameters, reason):
    assert reddit(tmp_path, {**COMMENT, **change}, **parameters) == [Dropped(reason)]


def test_what_is_asked_for_is_taken(tmp_path):
    odd = {**COMMENT, "over_18": True, "author": "some_bot", "score": -3}
    (found,) = reddit(tmp_path, odd, over_18=True, bots=True, subreddits=("BOOKS",))
    assert found.text and is_bot("some_bot") and not is_bot("Abbott")


def test_damaged_lines_are_quarantined(tmp_path):
    found = reddit(
        tmp_path, COMMENT, '{"id": "x", "body": "cut', "[1]", {"id": "c", "body": 5}, {"body": "no id"}, COMMENT
    )
    assert (
        reasons(found) == ["invalid_json", "not_a_post", "wrong_type", "not_a_post"] and len(of(found, Document)) == 2
    )
    data = (tmp_path / "RC_2024-01.zst").read_bytes()
    (tmp_path / "RC_2024-01.zst").write_bytes(data[:-8])
    again = list(Reddit(paths=(str(tmp_path / "RC_2024-01.zst"),), acknowledge_terms=True).read())
    assert reasons(again)[-1] == "truncated_or_damaged"


# X


def x(path, content, **parameters):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(Twitter(paths=(str(path),), acknowledge_terms=True, **parameters).read())


ANSWER = {
    "data": [
        {"id": "1", "text": "Hello @ada_l and @bob!", "author_id": "77", "lang": "en",
         "created_at": "2024-01-01T00:00:00Z", "public_metrics": {"like_count": 3}},
        {"id": "2", "text": "So?", "referenced_tweets": [{"type": "replied_to", "id": "1"}]},
        {"id": "3", "text": "RT @x: Hello", "referenced_tweets": [{"type": "retweeted", "id": "1"}]},
        {"id": "4", "text": "short …", "note_tweet": {"text": "the whole long post"}},
    ],
    "errors": [{"title": "Not Found Error", "detail": "Could not find tweet with ids: [9]."}],
}  # fmt: skip


def test_answers_of_the_interface(tmp_path):
    found = x(tmp_path / "a.json", ANSWER)
    assert [d.text for d in of(found, Document)] == ["Hello @user and @user!", "So?", "the whole long post"]
    assert sorted(reasons(found)) == ["deleted", "retweet"]
    first = found[0]
    assert first.metadata["language"] == "en" and first.metadata["score"] == 3 and "77" not in first.metadata["author"]
    assert reasons(x(tmp_path / "a.json", ANSWER, replies=False, retweets=True)) == ["reply", "deleted"]
    assert reasons(x(tmp_path / "a.json", ANSWER, languages=("en",))).count("other_language") == 2
    lines = "\n".join(json.dumps(ANSWER) for _ in range(2)) + '\n{"data": [{"id'
    found = x(tmp_path / "a.jsonl", lines)
    assert len(of(found, Document)) == 6 and reasons(found).count("invalid_json") == 1
    assert len({d.id for d in of(found, Document)}) == 6


def test_an_accounts_archive(tmp_path):
    archive = [{"tweet": {"id_str": "5", "full_text": "From the archive", "favorite_count": "12", "lang": "en"}}]
    (found,) = x(tmp_path / "tweets.js", "window.YTD.tweets.part0 = " + json.dumps(archive))
    assert found.text == "From the archive" and found.metadata["score"] == 12
    assert reasons(x(tmp_path / "tweets.js", "window.YTD.tweets.part0 = [{")) == ["invalid_json"]
    assert reasons(x(tmp_path / "b.json", {"data": ["text", {"id": "1"}]})) == ["not_a_post", "not_a_post"]


def test_mail_addresses_are_no_names():
    assert without_names("a@b.example, @c_1 and (@d)") == "a@b.example, @user and (@user)"


@pytest.mark.parametrize("name", ["reddit", "twitter"])
def test_terms_must_be_acknowledged(name, tmp_path):
    path = tmp_path / "a"
    path.write_text("{}\n")
    words = [f"source=[{name}]", f"source.{name}.paths=[{path}]"]
    with pytest.raises(ConfigError, match=rf"source\.{name}\.acknowledge_terms=False: must be true"):
        compose(words)
    assert compose([*words, f"source.{name}.acknowledge_terms=true"])


@pytest.mark.parametrize(
    "gone",
    [
        {"selftext": "[deleted]"},
        {"title": "[deleted by user]", "selftext": ""},
        {"removed_by_category": "deleted"},
        {"_meta": {"removal_type": "deleted"}},
        {"_meta": {"was_deleted_later": True}},
    ],
)
def test_a_submission_that_is_gone_in_any_of_its_ways(gone, tmp_path):
    post = {"id": "a", "title": "Title", "selftext": "Text", "author": "someone", "removed_by_category": None}
    path = tmp_path / "RS"
    path.write_text(json.dumps(post) + "\n" + json.dumps(post | gone), encoding="utf-8")
    found = list(Reddit(paths=(str(path),), acknowledge_terms=True).read())
    assert isinstance(found[0], Document) and found[1:] == [Dropped("deleted")]


def test_what_reddit_escapes_and_who_is_nobody_and_when(tmp_path):
    path = tmp_path / "RC"
    post = {"id": "a", "body": "&gt; 1 &lt; 2 &amp;amp; \u00e9", "author": None, "created_utc": 1700000000.0}
    path.write_text(json.dumps(post | {"retrieved_on": 1700000001}), encoding="utf-8")
    (found,) = Reddit(paths=(str(path),), acknowledge_terms=True).read()
    assert found.text == "> 1 < 2 &amp; \u00e9" and "author" not in found.metadata
    assert (found.metadata["created"][:19], found.metadata["retrieved"][:19]) == (
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:21",
    )


def test_a_dump_with_the_long_window_that_pushshift_uses(tmp_path):
    path = tmp_path / "RC.zst"
    parameters = zstandard.ZstdCompressionParameters(window_log=31)
    with path.open("wb") as file, zstandard.ZstdCompressor(compression_params=parameters).stream_writer(file) as packed:
        packed.write(b'{"id": "a", "body": "Text"}\n')
    (found,) = Reddit(paths=(str(path),), acknowledge_terms=True).read()
    assert found.text == "Text"


def test_a_dump_on_one_line_is_not_passed_over(tmp_path):
    path = tmp_path / "Posts.xml"
    path.write_text(f"<?xml version='1.0'?><posts>{question(1)}{answer(2, 1)}</posts>", encoding="utf-8")
    assert reasons(questions(path)) == ["not_a_post"]


def test_the_licence_that_a_row_names(tmp_path):
    rows = question(1, AcceptedAnswerId=2, ContentLicense="CC BY-SA 2.5"), answer(2, 1, ContentLicense="CC BY-SA 3.0")
    (found,) = questions(dump(tmp_path / "Posts.xml", *rows))
    assert found.metadata["licence"] == "CC-BY-SA-3.0"


def test_posts_of_x_that_are_gone_or_escaped_and_answers_without_any(tmp_path):
    posts = [{"id": "1", "text": "a &lt; b &amp; @c"}, {"id": "2", "text": "x", "withheld": {"country_codes": ["DE"]}}]
    path = tmp_path / "answers.jsonl"
    errors = [{"resource_type": "user", "title": "Not Found Error"}]
    answers = [{"data": posts, "errors": errors}, {"meta": {"result_count": 0}}, {"errors": [{"value": "3"}]}]
    path.write_text("".join(json.dumps(answer) + "\n" for answer in answers), encoding="utf-8")
    (tmp_path / "deleted-tweets.js").write_text(
        'window.YTD.deleted_tweets.part0 = [{"tweet": {"id": "4", "full_text": "x", "deleted_at": "2023-01-01"}}]',
        encoding="utf-8",
    )
    found = list(Twitter(paths=(str(tmp_path / "*"),), acknowledge_terms=True).read())
    assert of(found, Document)[0].text == "a < b & @user"
    assert reasons(found) == ["deleted", "deleted", "deleted"]

"""Where documents come from."""

from __future__ import annotations

from pluglm import Source, hookimpl
from pluglm_sources.common_crawl import CommonCrawl
from pluglm_sources.generated_reviews import GeneratedReviews
from pluglm_sources.google_books import GoogleBooks
from pluglm_sources.gutenberg import Gutenberg
from pluglm_sources.hugging_face import HuggingFace
from pluglm_sources.jsonl import Jsonl
from pluglm_sources.news import News
from pluglm_sources.parquet import Parquet
from pluglm_sources.python_library import PythonLibrary
from pluglm_sources.reddit import Reddit
from pluglm_sources.scientific import Scientific
from pluglm_sources.stack_overflow import StackOverflow
from pluglm_sources.text_files import TextFiles
from pluglm_sources.twitter import Twitter
from pluglm_sources.web_scrape import WebScrape


@hookimpl
def register_sources() -> list[type[Source]]:
    return [
        PythonLibrary,
        TextFiles,
        Jsonl,
        Parquet,
        CommonCrawl,
        WebScrape,
        HuggingFace,
        Gutenberg,
        GoogleBooks,
        Scientific,
        WebScrape,
        News,
        StackOverflow,
        Reddit,
        Twitter,
        GeneratedReviews,
    ]

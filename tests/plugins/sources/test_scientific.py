"""Papers in the formats of arXiv and PubMed Central, made around texts of Python's reference; pylatexenc as oracle."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import pytest
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexencode import unicode_to_latex

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.scientific import Scientific
from pluglm_sources.services.arxiv import arxiv_id
from pluglm_sources.text.latex import plain
from pluglm_sources.text.latex_source import paper, with_inputs, without_comments
from pluglm_sources.text.licence_addresses import spdx

TEXTS = [" ".join(topics[name].split()) for name in ("assert", "strings", "integers", "binary", "calls", "with")]


def texts(source: Scientific) -> list[str]:
    return [item.text for item in source.read() if isinstance(item, Document)]


def troubles(source: Scientific) -> list[tuple[str, str]]:
    return [(item.locator, item.reason) for item in source.read() if isinstance(item, Unreadable)]


def tarred(files: Mapping[str, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def row(number: int, **values: Any) -> dict[str, Any]:
    """A row of arxiv-metadata-oai-snapshot.json."""
    return {
        "id": f"0704.{number:04}",
        "submitter": "Pavel Nadolsky",
        "authors": "C. Bal\\'azs, E. L. Berger",
        "title": f"Calculation of prompt diphoton\n  production, part {number}",
        "comments": "37 pages, 15 figures; published version",
        "journal-ref": "Phys.Rev.D76:013009,2007",
        "doi": "10.1103/PhysRevD.76.013009",
        "report-no": None,
        "categories": "hep-ph cs.CL",
        "license": "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
        "abstract": "  A fully differential calculation in\nperturbative quantum chromodynamics.\n  It has $x^2$.\n",
        "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}],
        "update_date": "2008-11-26",
        "authors_parsed": [["Balázs", "C.", ""], ["Berger", "E. L.", "Jr.", "ANL"]],
        **values,
    }


def test_a_row_of_the_snapshot() -> None:
    Path("s.json").write_text(json.dumps(row(1)) + "\n", encoding="utf-8")
    (document,) = Scientific(paths="s.json").read()
    assert isinstance(document, Document)
    title = "Calculation of prompt diphoton production, part 1"
    abstract = "A fully differential calculation in perturbative quantum chromodynamics.\n\nIt has $x^2$."
    assert document.text == f"{title}\n\n{abstract}"
    assert document.fields == {"title": title, "abstract": abstract}
    assert document.metadata == {
        "arxiv_id": "0704.0001",
        "categories": ["hep-ph", "cs.CL"],
        "doi": "10.1103/PhysRevD.76.013009",
        "journal": "Phys.Rev.D76:013009,2007",
        "updated": "2008-11-26",
        "comments": "37 pages, 15 figures; published version",
        "authors": ["C. Balázs", "E. L. Berger Jr."],
        "licence": "LicenseRef-arXiv-nonexclusive-distrib-1.0",
        "locator": "s.json:1",
    }


def test_damaged_rows_are_quarantined_with_their_line_and_those_around_them_read() -> None:
    good = [json.dumps(row(number, abstract=f"Abstract {number}.")).encode() for number in range(9)]
    lines = [
        good[0],
        good[1][: len(good[1]) // 2],
        good[2],
        good[3].replace(b"Abstract", b"Abs\xfftract"),
        good[4].replace(b"Abstract", b"Abs\0tract"),
        good[5].replace(b"Abstract", rb"Abs\ud800tract"),
        b"[]",
        b'{"id": "1", "title": 3, "abstract": "x"}',
        b"[" * 90_000,
        b'{"id": "1", "title": "many keys", ' + b",".join(b'"k%d": 1' % n for n in range(100_000)) + b"}",
        b'{"x": "' + b"y" * 3_000_000 + b'"}',
        good[6].replace(b"Abstract", rb"Abs\ud83d\ude00tract"),
    ]
    Path("s.json").write_bytes(b"\n".join(lines) + b"\n")
    source = Scientific(paths="s.json", max_line_bytes=2_000_000)
    assert [text.rpartition("\n")[2] for text in texts(source)] == ["Abstract 0.", "Abstract 2.", "Abs😀tract 6."]
    assert troubles(source) == [
        ("s.json:2", "invalid_json"),
        ("s.json:4", "invalid_utf8"),
        ("s.json:5", "nul_bytes"),
        ("s.json:6", "lone_surrogate"),
        ("s.json:7", "not_a_paper"),
        ("s.json:8", "not_a_paper"),
        ("s.json:9", "invalid_json"),
        ("s.json:10", "not_a_paper"),
        ("s.json:11", "line_too_long"),
    ]


def test_categories_and_licences_choose() -> None:
    free = "http://creativecommons.org/licenses/by/4.0/"
    rows = [row(1), row(2, categories="math.CO", license=free), row(3, categories="cs.LG math.CO", license=None)]
    Path("s.json").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def chosen(**values: Any) -> list[str]:
        found = Scientific(paths="s.json", **values).read()
        return [i.metadata["arxiv_id"][-1] if isinstance(i, Document) else getattr(i, "reason", "") for i in found]

    assert chosen(categories=("cs",)) == ["1", "other_category", "3"]
    assert chosen(categories=("math.CO",)) == ["other_category", "2", "3"]
    assert chosen(licences=("CC-BY-4.0",)) == ["other_licence", "2", "other_licence"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0/igo/", "CC-BY-NC-ND-3.0-IGO"),
        ("see https://creativecommons.org/publicdomain/zero/1.0/.", "CC0-1.0"),
        ("https://example.org/terms", None),
    ],
)
def test_licences_have_their_names_of_spdx(address: str, name: str | None) -> None:
    assert spdx(address) == name


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("0704/0704.0001.gz", "0704.0001"),
        ("2101.00001v2.tar.gz", "2101.00001v2"),
        ("0001/astro-ph0001001.gz", "astro-ph/0001001"),
        ("math.GT_0309136.pdf", "math.GT/0309136"),
        ("fig1.eps.gz", None),
        ("main.tex", None),
    ],
)
def test_ids_in_names(name: str, number: str | None) -> None:
    assert arxiv_id(name) == number


SOURCE = r"""\documentclass{article} % a comment
\newcommand{\eg}{e.g.}
\title{On \emph{Gaps} of Schr\"odinger\thanks{Supported.}}
\author{P. Erd\H{o}s}
\begin{document}
\maketitle
\begin{abstract}
An abstract~\cite{foo,bar}; 50\% of it. % not this
\end{abstract}
\section{Introduction}\label{sec:intro}
A ``gap'' of $H=\sum_i \alpha_i$ is---\eg{} in \citep[p.~3]{baz}---open\footnote{Very \textbf{open}.}.
\begin{equation}\label{eq:1}
E = mc^2
\end{equation}
\begin{figure}[h]\includegraphics{a}\caption{A picture}\end{figure}
\begin{itemize}
\item One \item Two
\end{itemize}
\input{parts/second}
\include{missing}
\begin{thebibliography}{9}\bibitem{foo} X\end{thebibliography}
\end{document}
Not typeset.
"""
SECOND = "Stra\\ss e, na\\\"{\\i}ve, \\c{c}a, \\v{S}, \\l{}\\'od\\'z \\& \\$5. \\input{../third}\n"
READ = """On Gaps of Schrödinger

An abstract; 50% of it.

Introduction

A “gap” of $H=\\sum_i \\alpha_i$ is—e.g. in—open (Very open.).

\\begin{equation}
E = mc^2
\\end{equation}

- One
- Two

Straße, naïve, ça, Š, łódź & $5. Third."""


def test_a_latex_source_of_several_files() -> None:
    third = "Third.\n\\iffalse hidden \\fi\\begin{comment}hidden\\end{comment}"
    files: dict[str, bytes | str] = {
        "second.tex": "no",
        "parts/second.tex": SECOND,
        "third.tex": third,
        "z.tex": SOURCE,
        "fig.pdf": b"%PDF-",
    }
    files["x.eps.gz"] = gzip.compress(b"%!PS")
    Path("2101.00001v2.tar.gz").write_bytes(gzip.compress(tarred(files)))
    (document,) = Scientific(paths="*.gz").read()
    assert isinstance(document, Document)
    assert document.text == READ
    assert document.fields == {"title": "On Gaps of Schrödinger"}
    assert document.metadata == {"arxiv_id": "2101.00001v2", "locator": "2101.00001v2.tar.gz"}


def test_formulas_as_text_or_left_out() -> None:
    Path("a.tex").write_text("Let $\\alpha\\leq\\beta^2$ and \\[ x_1 \\in \\mathbb{R} \\] be.", encoding="utf-8")
    assert texts(Scientific(paths="a.tex", math="text")) == ["Let α≤β^2 and\n\nx_1 ∈ℝ\n\nbe."]
    assert texts(Scientific(paths="a.tex", math="drop")) == ["Let and\n\nbe."]
    assert texts(Scientific(paths="a.tex")) == ["Let $\\alpha\\leq\\beta^2$ and\n\n\\[ x_1 \\in \\mathbb{R} \\]\n\nbe."]


@pytest.mark.parametrize("text", TEXTS)
def test_the_words_are_those_that_pylatexenc_finds(text: str) -> None:
    words = text.split()[:400]
    marked = [f"\\emph{{{unicode_to_latex(w)}}}" if n % 7 == 0 else unicode_to_latex(w) for n, w in enumerate(words)]
    source = " ".join(marked[:200]) + '\n\n\\subsection*{Größe der H\\"auser}\n\n' + "\n".join(marked[200:])
    ours = plain(source, lambda formula: LatexNodes2Text().latex_to_text(formula))
    theirs = LatexNodes2Text().latex_to_text(source)
    assert re.findall(r"\w+", ours) == re.findall(r"\w+", theirs)
    assert len(re.findall(r"\w+", ours)) > 100 and "\n\nGröße der Häuser" in ours


def test_comments() -> None:
    assert without_comments("a % b\n  c\\% d\\\\% e\nf %\n\ng") == "a c\\% d\\\\f \ng"
    kept = "\\begin{verbatim}\n100 % sure\n\\end{verbatim}"
    assert without_comments(f"a% b\n{kept} c% d") == f"a{kept} c"
    assert without_comments("a\\iffalse b") == "a\\iffalse b"


def test_inputs_that_never_end_or_grow_without_bound() -> None:
    with pytest.raises(ValueError, match="inputs"):
        with_inputs({"a.tex": "\\input{a}"}, "a.tex", 10**6)
    bomb = {f"{n}.tex": f"\\input{{{n + 1}}}" * 10 for n in range(9)} | {"9.tex": "x" * 1000}
    bomb["0.tex"] += "\\begin{document}"
    with pytest.raises(ValueError, match="inputs"):
        with_inputs(bomb, "0.tex", 10**6)
    macros = f"\\newcommand{{\\a}}{{{'x' * 150}}}\\begin{{document}}" + "\\a " * 50_000
    with pytest.raises(ValueError, match="macros"):
        paper({"a.tex": macros}, 10**6, str)
    Path("0704.0001.tar").write_bytes(tarred(bomb))
    assert troubles(Scientific(paths="0704.0001.tar")) == [("0704.0001.tar", "file_too_large")]
    outside = with_inputs({"a.tex": "\\input{/etc/passwd}\\input{../../etc/passwd}."}, "a.tex", 99)
    assert outside == ".", "only what is in the archive is read"


@pytest.mark.parametrize(
    "piece", ["{", "}", "\\label{", "\\[", "$", "\\$$", "\\begin{equation}", "\\iffalse ", "%", "\\item[", "\\'{", "\\"]
)
def test_damaged_latex_is_read_as_far_as_it_goes(piece: str) -> None:
    found = paper({"a.tex": f"Before {piece * 3000} \\emph{{after}}"}, 10**6, str)
    assert found is not None and found[1].startswith("Before")


def test_one_gzipped_file_and_a_bulk_archive_of_arxiv() -> None:
    one = '\\documentclass{article}\\begin{document}Paper %s, Gr\\"o\\ss e\\end{document}'
    latin = "\\begin{document}Größe\\end{document}".encode("latin-1")
    Path("0704.0001.gz").write_bytes(gzip.compress((one % "one").encode()))
    several = tarred({"ms.tex": one % "many", "other.tex": "no"})
    whole = gzip.compress((one % "last").encode())
    bulk = {
        "0704/0704.0002.gz": gzip.compress((one % "two").encode()),
        "0704/0704.0003.gz": gzip.compress(several),
        "0704/0704.0004.gz": gzip.compress((one % "cut").encode() * 50)[:-12],
        "0704/0704.0005.gz": gzip.compress(tarred({"../../evil.tex": "x", "good.tex": one % "good"})),
        "0704/0704.0006.gz": gzip.compress(b" " * 5_000_000),
        "0704/0704.0007.pdf": pdf(["Only as PDF"]),
        "0704/0704.0008.gz": gzip.compress(latin),
        "0704/0704.0009.gz": gzip.compress(b"\\begin{document}a\0b\\end{document}"),
        "0704/astro-ph0704010.gz": whole,
    }
    Path("arXiv_src_0704_001.tar").write_bytes(tarred(bulk))
    source = Scientific(paths=("0704*", "arXiv*"), max_bytes=1_000_000)
    assert texts(source) == [
        "Paper one, Größe",
        *(f"Paper {name}, Größe" for name in ("two", "many", "good")),
        "Größe",
        "Paper last, Größe",
        "Only as PDF",
    ]
    ids = [item.metadata["arxiv_id"] for item in source.read() if isinstance(item, Document)]
    assert ids == [*(f"0704.000{n}" for n in (1, 2, 3, 5, 8)), "astro-ph/0704010", "0704.0007"]
    assert [(place.rpartition("/")[2], reason) for place, reason in troubles(source)] == [
        ("0704.0004.gz", "truncated_or_damaged"),
        ("evil.tex", "unsafe_path"),
        ("0704.0006.gz", "file_too_large"),
        ("0704.0009.gz", "nul_bytes"),
    ]


def pdf(pages: list[str], title: str = "") -> bytes:
    """A PDF of the simplest kind: ISO 32000-1, 7.5."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(count))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {count}/Kids[{kids}]>>"]
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    for number, page in enumerate(pages):
        content = "BT /F 12 Tf 14 TL 20 700 Td " + " ".join(f"({line}) Tj T*" for line in page.split("\n")) + " ET"
        resources = f"/Resources<</Font<</F 3 0 R>>>>/Contents {5 + 2 * number} 0 R"
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]{resources}>>")
        objects.append(f"<</Length {len(content)}>>stream\n{content}\nendstream")
    objects.append(f"<</Title({title})/Author(A. Writer)>>")
    out, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects):
        offsets.append(len(out))
        out += f"{number + 1} 0 obj{item}endobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer<</Size {len(objects) + 1}/Root 1 0 R/Info {len(objects)} 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def test_pdf() -> None:
    Path("2101.00001.pdf").write_bytes(
        pdf(["First page of a hyph-\nenated text, non-\nEuclidean", "Second page"], "A title")
    )
    Path("2101.00002.pdf").write_bytes(pdf(["x"])[:300])
    Path("2101.00003.pdf").write_bytes(b"%PDF-1.4\n" + b"\0" * 1000)
    Path("2101.00004.pdf").write_bytes(pdf([""]))
    Path("2101.00005.pdf.gz").write_bytes(gzip.compress(pdf(["last"])))
    source = Scientific(paths="*.pdf*")
    first, second = (item for item in source.read() if isinstance(item, Document))
    assert first.text == "First page of a hyphenated text, non-\nEuclidean\n\nSecond page"
    assert first.fields == {"title": "A title"} and first.metadata["authors"] == ["A. Writer"]
    assert first.metadata["arxiv_id"] == "2101.00001" and second.text == "last"
    assert [place for place, _ in troubles(source)] == [f"2101.0000{n}.pdf" for n in (2, 3, 4)]
    assert troubles(source)[2][1] == "no_text"


def test_an_encrypted_pdf() -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(pdf(["secret"]))))
    writer.encrypt("a password", algorithm="RC4-128")
    writer.write("a.pdf")
    assert troubles(Scientific(paths="a.pdf")) == [("a.pdf", "encrypted")]


HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving DTD v1.2//EN" "JATS-archivearticle1.dtd">
"""


def jats(text: str, number: int = 1, licence: str | None = None) -> str:
    """An article as PubMed Central's packages have it."""
    licence = licence or (
        '<license license-type="open-access" xlink:href="https://creativecommons.org/licenses/by/4.0/">'
        "<license-p>This is an <ext-link>open access</ext-link> article.</license-p></license>"
    )
    return f"""<article xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML"
 article-type="research-article" xml:lang="en"><?properties open_access?><front><journal-meta>
<journal-title-group><journal-title>Journal of Tests</journal-title></journal-title-group></journal-meta><article-meta>
<article-id pub-id-type="pmid">176{number}</article-id><article-id pub-id-type="pmc">PMC13{number}</article-id>
<article-id pub-id-type="doi">10.1371/x.{number}</article-id>
<title-group><article-title>Of <italic>E. coli</italic> and H<sub>2</sub>O<xref ref-type="fn">*</xref></article-title>
</title-group><contrib-group><contrib contrib-type="author"><name><surname>Curie</surname>
<given-names>Marie</given-names></name><xref ref-type="aff"><sup>1</sup></xref></contrib><contrib contrib-type="editor">
<name><surname>Nobody</surname></name></contrib></contrib-group><pub-date pub-type="epub"><day>7</day><month>3</month>
<year>2006</year></pub-date><pub-date pub-type="ppub"><month>4</month><year>2006</year></pub-date>
<permissions><copyright-statement>Curie</copyright-statement>{licence}</permissions>
<abstract><sec><title>Background</title><p>An abstract.</p></sec></abstract>
<abstract abstract-type="graphical"><p>A picture</p></abstract></article-meta></front>
<body><sec id="s1"><label>1</label><title>Introduction</title><p>{text}</p>
<p>As shown before [<xref ref-type="bibr" rid="b1">1</xref>,<xref ref-type="bibr" rid="b2">2</xref>] by
 <xref ref-type="bibr" rid="b3">Smith et al.</xref> in <xref ref-type="fig" rid="f1">Fig. 1</xref>.<!-- no -->
 Two f() calls:</p><fig id="f1"><caption><p>A picture</p></caption></fig>
<list><list-item><p>one</p></list-item><list-item><p>two</p></list-item></list>
<sec><title>Methods</title><p>Let <inline-formula><alternatives><tex-math id="M1">\\documentclass[12pt]{{minimal}}
\\begin{{document}}$$x^2$$\\end{{document}}</tex-math><mml:math><mml:mi>x</mml:mi></mml:math></alternatives>
</inline-formula> and <mml:math><mml:mi>y</mml:mi><mml:mo>=</mml:mo><mml:mn>2</mml:mn></mml:math>.</p></sec></sec>
<table-wrap><table><tr><td>5</td></tr></table></table-wrap></body>
<back><ack><p>Thanks.</p></ack><ref-list><ref id="b1"><mixed-citation>Ref</mixed-citation></ref></ref-list></back>
</article>"""


def test_an_article() -> None:
    Path("1.nxml").write_text(HEAD + jats("Größe &amp; &#x3b1; &lt; 5"), encoding="utf-8")
    (document,) = Scientific(paths="1.nxml").read()
    assert isinstance(document, Document)
    assert document.text == (
        "Of E. coli and H2O*\n\nBackground\n\nAn abstract.\n\nIntroduction\n\nGröße & α < 5\n\n"
        "As shown before by Smith et al. in Fig. 1. Two f() calls:\n\n- one\n- two\n\nMethods\n\nLet $$x^2$$ and y=2."
    )
    assert document.fields == {"title": "Of E. coli and H2O*", "abstract": "Background\n\nAn abstract."}
    assert document.metadata == {
        "pmid": "1761",
        "pmcid": "PMC131",
        "doi": "10.1371/x.1",
        "authors": ["Marie Curie"],
        "journal": "Journal of Tests",
        "published": "2006-03-07",
        "language": "en",
        "article_type": "research-article",
        "licence": "CC-BY-4.0",
        "locator": f"1.nxml@{len(HEAD.encode())}",
    }
    (short,) = texts(Scientific(paths="1.nxml", part="abstract"))
    assert short == "Of E. coli and H2O*\n\nBackground\n\nAn abstract."


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (
            "<license><license-p>Under http://creativecommons.org/licenses/by-nc/3.0/ it is.</license-p></license>",
            "CC-BY-NC-3.0",
        ),
        (
            '<license><ali:license_ref xmlns:ali="http://www.niso.org/schemas/ali/1.0/">'
            "https://creativecommons.org/publicdomain/zero/1.0/</ali:license_ref></license>",
            "CC0-1.0",
        ),
        ("<license><license-p>Ask us first.</license-p></license>", "Ask us first."),
    ],
)
def test_licences_of_articles(given: str, name: str) -> None:
    Path("1.xml").write_text(jats("x", licence=given), encoding="utf-8")
    (document,) = Scientific(paths="1.xml").read()
    assert isinstance(document, Document) and document.metadata["licence"] == name


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "utf-8"])
def test_encodings_of_xml(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    Path("1.xml").write_text(head + jats("Größe"), encoding=encoding)
    assert "Größe" in texts(Scientific(paths="1.xml"))[0]


def test_damaged_articles_of_one_file_do_not_touch_the_others() -> None:
    whole = [jats(TEXTS[n % 6].translate({38: "", 60: "", 62: ""}), n) for n in range(8)]
    parts = [
        whole[0],
        whole[1].replace("</sec>", "</sek>", 1),
        whole[2],
        whole[3][: len(whole[3]) // 2],
        whole[4],
        whole[5].replace("Introduction", "Intro\0duction"),
        whole[6].replace("Introduction", "&undefined;"),
        whole[7],
        whole[0][: len(whole[0]) // 2],
    ]
    content = "<pmc-articleset>" + "\n".join(parts)
    Path("set.xml").write_text(content, encoding="utf-8")
    source = Scientific(paths="set.xml")
    numbers = [item.metadata["pmid"] for item in source.read() if isinstance(item, Document)]
    assert numbers == ["1760", "1762", "1764", "1767"]
    offsets = [len(("<pmc-articleset>" + "\n".join(parts[:n])).encode()) + 1 for n in (1, 3, 5, 6, 8)]
    reasons = ["invalid_xml", "article_without_end", "invalid_xml", "invalid_xml", "truncated_or_damaged"]
    assert troubles(source) == [(f"set.xml@{at}", reason) for at, reason in zip(offsets, reasons, strict=True)]


def test_articles_across_blocks_and_too_large_ones() -> None:
    big = jats("word " * 300_000, 1)
    parts = [jats("small", 0), big, jats("small", 2), jats("x" * 900_000, 3), jats("small", 4)]
    Path("set.xml").write_text("\n".join(parts), encoding="utf-8")
    source = Scientific(paths="set.xml", max_bytes=1_000_000)
    assert [item.metadata["pmid"][3:] for item in source.read() if isinstance(item, Document)] == ["0", "2", "3", "4"]
    assert [reason for _, reason in troubles(source)] == ["file_too_large"]
    assert len(texts(Scientific(paths="set.xml"))) == 5


@pytest.mark.parametrize("place", ["before", "inside"])
def test_entity_bombs_are_not_expanded(place: str) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE article [<!ENTITY l0 "ha">{laughs}]>'
    external = '<!DOCTYPE article [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    for name, declared in (("bomb.xml", bomb), ("external.xml", external)):
        text = jats("&l8;&x;") if place == "before" else jats("fine").replace("<body>", f"{declared}<body>")
        Path(name).write_text((declared if place == "before" else "") + text, encoding="utf-8")
    Path("z.xml").write_text(jats("good"), encoding="utf-8")
    source = Scientific(paths="*.xml")
    assert len(texts(source)) == 1 and "good" in texts(source)[0]
    reason = "entities_declared" if place == "before" else "invalid_xml"
    assert [found for _, found in troubles(source)] == [reason, reason]


def test_packages_and_bulk_files_of_pubmed_central() -> None:
    package: dict[str, bytes | str] = {
        "PMC13/a.jpg": b"x",
        "PMC13/paper.pdf": pdf(["no"]),
        "PMC13/paper.nxml": HEAD + jats("Package", 5),
    }
    Path("PMC13.tar.gz").write_bytes(gzip.compress(tarred(package)))
    bulk = {f"PMC000/PMC{n}.xml": HEAD + jats(f"Bulk {n}", n) for n in range(30)}
    bulk["PMC000/PMC7.xml"] = HEAD + jats("Bulk 7", 7)[:-400]
    bulk["PMC000/PMC8.xml"] = "<html/>"
    Path("oa_comm.tar.gz").write_bytes(gzip.compress(tarred(bulk)))
    source = Scientific(paths="*.tar.gz")
    numbers = [item.metadata["pmid"][3:] for item in source.read() if isinstance(item, Document)]
    assert numbers == ["5", *(str(n) for n in range(30) if n not in (7, 8))]
    assert [reason for _, reason in troubles(source)] == ["truncated_or_damaged", "not_jats"]


def test_what_is_none_of_these_is_quarantined() -> None:
    files = {
        "a.bin": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "b.txt": b"just text",
        "c.tex": b"",
        "d.tar": tarred({"readme.md": "x"}),
        "e.json": b"\x1f\x8b\x08\0broken",
        "f.html": b"<html><body>No article</body></html>",
        "g.tar.gz": gzip.compress(tarred({"m.tex": "\\begin{document}x\\end{document}"}) * 9)[:-30],
        "h.tex": b"\\begin{document}\\end{document}",
    }
    for name, content in files.items():
        Path(name).write_bytes(content)
    source = Scientific(paths="*")
    assert texts(source) == [], "of an archive that breaks off no paper is whole"
    assert [(place.partition("@")[0], reason) for place, reason in troubles(source)] == [
        ("a.bin", "nul_bytes"),
        ("b.txt", "unknown_format"),
        ("c.tex", "empty_file"),
        ("d.tar", "no_paper_in_archive"),
        ("e.json", "truncated_or_damaged"),
        ("f.html", "not_jats"),
        ("g.tar.gz", "truncated_or_damaged"),
        ("h.tex", "no_text"),
    ]
    assert not [item for item in source.read() if isinstance(item, Dropped)]

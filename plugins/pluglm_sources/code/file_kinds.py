"""What kind of file one of a repository is, by its name and its beginning.

The rules for what was not written there are those of GitHub: https://github.com/github-linguist/linguist
(lib/linguist/vendor.yml, generated.rb).
"""

from __future__ import annotations

import re
from functools import cache

# Where several languages share an ending, the one that repositories have most.
PREFERRED = {
    ".h": "C", ".c": "C", ".m": "Objective-C", ".pl": "Perl", ".pm": "Perl", ".t": "Perl", ".v": "Verilog", ".r": "R",
    ".fs": "FSharp", ".ts": "TypeScript", ".tsx": "TypeScript", ".cs": "C#", ".sql": "SQL", ".md": "Markdown",
    ".rst": "reStructuredText", ".txt": "Text", ".html": "HTML", ".htm": "HTML", ".xml": "XML", ".css": "CSS",
    ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript", ".jsx": "JavaScript", ".json": "JSON",
    ".py": "Python", ".pyi": "Python", ".pyx": "Cython", ".sh": "Bash", ".bash": "Bash", ".s": "GAS", ".asm": "NASM",
    ".php": "PHP", ".inc": "PHP", ".pro": "Prolog", ".cls": "TeX", ".sty": "TeX", ".tex": "TeX", ".lisp": "Common Lisp",
    ".cl": "Common Lisp", ".el": "EmacsLisp", ".ml": "OCaml", ".mli": "OCaml", ".d": "D", ".gd": "GDScript",
    ".cfg": "INI", ".conf": "INI", ".ini": "INI", ".cp": "C++", ".hh": "C++", ".hpp": "C++", ".cpp": "C++",
    ".cc": "C++", ".rs": "Rust", ".go": "Go", ".java": "Java", ".kt": "Kotlin", ".scala": "Scala", ".swift": "Swift",
    ".rb": "Ruby", ".lua": "Lua", ".jl": "Julia", ".hs": "Haskell", ".ex": "Elixir", ".exs": "Elixir", ".erl": "Erlang",
    ".csv": "CSV", ".tsv": "CSV", ".svg": "SVG", ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML", ".vue": "Vue",
    ".svelte": "Svelte", ".bat": "Batchfile", ".ps1": "PowerShell", ".proto": "Protocol Buffer", ".gradle": "Groovy",
    ".adoc": "AsciiDoc",
}  # fmt: skip
DATA = frozenset({"JSON", "CSV", "XML", "SVG", "YAML", "INI", "TOML", "Text only"})
NAMES = {"makefile": "Makefile", "gnumakefile": "Makefile", "dockerfile": "Docker", "cmakelists.txt": "CMake"}
INTERPRETER = re.compile(r"#!\s*(?:\S*/)?([a-zA-Z]+)[\d.]*(?:\s+(?:-S\s+)?(?:\S*/)?([a-zA-Z]+))?")

VENDORED = re.compile(
    r"(?:^|/)(?:node_modules|bower_components|vendors?|third[-_]?party|3rd[-_]?party|externals?|deps|dist|\.yarn|godeps"
    r"|site-packages|carthage|pods|gradle/wrapper|cache|extern|\.sublime-project)/"
    r"|(?:^|/)(?:jquery|bootstrap|angular|react|modernizr|d3|mathjax|prototype)(?:[-.]\d[\w.-]*)?(?:\.min)?\.(?:js|css)$"
    r"|(?:^|/)(?:configure|config\.(?:guess|sub)|aclocal\.m4|libtool\.m4|ltmain\.sh|install-sh|gradlew|mvnw)$",
    re.IGNORECASE,
)
LOCKS = frozenset(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock cargo.lock poetry.lock pdm.lock uv.lock "
    "pipfile.lock composer.lock gemfile.lock gopkg.lock go.sum glide.lock flake.lock mix.lock podfile.lock "
    "packages.lock.json deno.lock pubspec.lock".split()
)
MINIFIED_NAME = re.compile(r"[.-]min\.(?:js|css|mjs)$|\.bundle\.js$|\.(?:js|css)\.map$", re.IGNORECASE)
GENERATED_NAME = re.compile(
    r"_pb2(?:_grpc)?\.pyi?$|\.pb\.(?:go|cc|h|swift|dart)$|\.g\.(?:cs|dart)$|\.designer\.(?:cs|vb)$|\.freezed\.dart$"
    r"|(?:^|/)(?:zz_generated[\w.]*\.go|__generated__/.*)$|\.generated\.\w+$",
    re.IGNORECASE,
)
GENERATED_HEAD = re.compile(
    r"do not (?:edit|modify)|@generated\b|(?:automatically|auto-?) ?generated|generated (?:automatically|by)\b"
    r"|this file (?:was|is) generated|machine generated",
    re.IGNORECASE,
)
HEAD_LINES, HEAD = 20, 2000
# Linguist's: the mean length of a line from which code was not written by hand.
LONG_LINES = 110
LINES_OF_CODE = frozenset({"JavaScript", "CSS", "TypeScript"})


def not_written_here(path: str) -> str | None:
    """Why a file is left out by its path alone: `vendored`, `lock_file`, `minified` or `generated`."""
    if path.rpartition("/")[2].lower() in LOCKS:
        return "lock_file"
    if MINIFIED_NAME.search(path):
        return "minified"
    if VENDORED.search(path):
        return "vendored"
    return "generated" if GENERATED_NAME.search(path) else None


def not_written_by_hand(text: str, language: str) -> str | None:
    """Why a file is left out by its content: `generated` or `minified`."""
    head = "\n".join(text[:HEAD].split("\n")[:HEAD_LINES])
    if GENERATED_HEAD.search(head):
        return "generated"
    if language in LINES_OF_CODE and len(text) > LONG_LINES * (text.count("\n") + 1):
        return "minified"
    return None


def is_binary(content: bytes) -> bool:
    """git's rule: a NUL among the first 8,000 bytes."""
    return b"\0" in content[:8000]


def language_of(path: str, text: str = "") -> str | None:
    """The language of a file by its name, or by the interpreter its first line names; None for one not known."""
    name = path.rpartition("/")[2].lower()
    dot = name.rfind(".")
    ending = name[dot:] if dot > 0 else ""
    found = NAMES.get(name) or PREFERRED.get(ending) or _known()[0].get(ending or name)
    if found is None and not ending and text.startswith("#!"):
        interpreter = INTERPRETER.match(text)
        program = (interpreter[2] if interpreter[1] == "env" else interpreter[1]) if interpreter else None
        found = _known()[1].get((program or "").lower())
    return found


def languages() -> list[str]:
    """The names of all languages that a file can be told to have."""
    return sorted({*PREFERRED.values(), *NAMES.values(), *_known()[0].values(), *_known()[1].values()})


@cache
def _known() -> tuple[dict[str, str], dict[str, str]]:
    """Languages by ending or name, and by the name of their interpreter, as Pygments has them."""
    from pygments.lexers import get_all_lexers

    endings: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for language, short, patterns, _ in sorted(get_all_lexers(plugins=False)):
        for pattern in patterns:
            ending = pattern.lower().removeprefix("*") if pattern.startswith("*.") else pattern.lower()
            if not set(ending) & set("*?["):
                endings.setdefault(ending, language)
        for alias in short:
            aliases.setdefault(alias.lower(), language)
    return endings, aliases | {"sh": "Bash", "node": "JavaScript", "nodejs": "JavaScript"}

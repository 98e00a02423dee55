"""The members of a sweep: every combination of its words, composed and validated before the first one runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pluglm.config.compose import compose
from pluglm.config.identity import config_digest
from pluglm.config.run_config import RunConfig
from pluglm.errors import ConfigError, Problem
from pluglm.files.digests import digest
from pluglm.sweeping.line import Line

NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a sweep. `words`: all it is told; `shown`: those in which it differs from others; `config`: None where
    it cannot run, and `problems` says why."""

    words: tuple[str, ...]
    shown: tuple[str, ...]
    config: RunConfig | None
    problems: tuple[Problem, ...] = ()

    @property
    def label(self) -> str:
        """What it is, in a few words."""
        said = [f"without {word.partition('.')[2]}" if word.startswith("~") else word for word in self.shown]
        return " ".join(said) or "nothing left out"

    @property
    def digest(self) -> str:
        """The same for the same computation, however it was asked for."""
        return config_digest(self.config.resolved) if self.config is not None else digest(self.words)

    @property
    def reason(self) -> str | None:
        """Why it cannot run, in one line."""
        return "; ".join(map(str, self.problems)) or None


def member(words: Sequence[str], shown: Sequence[str], config_dir: Path | None) -> Member:
    """The member that these words make, with its problems where it cannot run."""
    try:
        return Member(tuple(words), tuple(shown), compose(words, config_dir))
    except ConfigError as error:
        return Member(tuple(words), tuple(shown), None, tuple(error.problems))


def grid(line: Line, done: Callable[[int, int], None] = lambda n, total: None) -> list[Member]:
    """All members of a sweep whose combinations are known. Those that compute the same are one.

    Args:
        done: told how many of how many combinations are composed.

    Raises:
        ConfigError: where what is to be left out is not known.
    """
    combinations = list(line.combinations())
    members: dict[str, Member] = {}
    for position, words in enumerate(combinations, start=1):
        for found in _with_one_left_out(line, words, tuple(words[len(line.fixed) :])):
            members.setdefault(found.digest, found)
        done(position, len(combinations))
    return list(members.values())


def _with_one_left_out(line: Line, words: list[str], shown: tuple[str, ...]) -> Iterator[Member]:
    whole = member(words, shown, line.config_dir)
    yield whole
    if whole.config is None:
        return
    for family in whole.config.sweep.leave_one_out:
        if family in line.swept:
            raise ConfigError([Problem("sweep.leave_one_out", f"{family} is swept over already", family)])
        for label in getattr(whole.config, family):
            # After all others, which may set parameters of what is left out.
            left_out = f"~{family}.{label}"
            yield member([*words, left_out], (*shown, left_out), line.config_dir)


def swept_keys(line: Line, members: Sequence[Member]) -> list[str]:
    """The keys in which members differ: those of the line, and families of which techniques are left out."""
    left_out = {word[1:].partition(".")[0] for member in members for word in member.shown if word.startswith("~")}
    several = [key for key, words in line.swept.items() if len(words) > 1]
    return [*several, *line.intervals, *sorted(left_out)]


def invalid_lines(members: Sequence[Member]) -> list[Problem]:
    """What is wrong, once where it is wrong with every member, else for each."""
    everywhere = set.intersection(*({str(problem) for problem in member.problems} for member in members))
    lines = [problem for problem in members[0].problems if str(problem) in everywhere]
    for one in members:
        if own := [str(problem) for problem in one.problems if str(problem) not in everywhere]:
            lines.append(Problem(one.label, "; ".join(own)))
    return lines


def folder_name(number: int, shown: Sequence[str]) -> str:
    """`003-lr_0.1-seed_2`: a number, and what the member is, in characters that every file system takes."""
    parts = []
    for word in shown:
        key, _, value = word.lstrip("+").partition("=")
        if word.startswith("~"):
            parts.append("without_" + key.rpartition(".")[2])
        elif "." in key or key in ("seed", "name"):
            parts.append(f"{key.rpartition('.')[2]}_{value}")
        else:
            parts.append(value.replace(",", "+").strip("[]") or f"no_{key}")
    name = re.sub(r"[^A-Za-z0-9._+-]+", "_", "-".join(parts))[:NAME_LENGTH].strip("_.-")
    return f"{number:03}-{name}" if name else f"{number:03}"

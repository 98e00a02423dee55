"""The members of a sweep on their way, from the first to the last."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluglm.config.run_config import RunConfig
from pluglm.config.sweep_settings import SweepSettings
from pluglm.errors import Interrupted, PluglmError
from pluglm.files.digests import digest
from pluglm.sweeping import record
from pluglm.sweeping.cost import plan_of
from pluglm.sweeping.hydra_launchers import at_once, batch_size, hydra_in, launch, launcher
from pluglm.sweeping.line import Line
from pluglm.sweeping.members import Member, swept_keys
from pluglm.sweeping.monitor import Monitor
from pluglm.sweeping.record import Entry, Record
from pluglm.sweeping.sampling import sample
from pluglm.training.signals import StopSignal

OF_THE_LOSS = ("objective", "tokenizer", "source", "preprocessor", "data")
"""Losses of runs that differ in any of these are not losses of the same thing."""


class _OneFailed(Exception):
    """A member failed, and the sweep is to end then."""


def sweep_digest(line: Line, members: Sequence[Member], settings: SweepSettings) -> str:
    """The same for the same members that end alike; where a sampler proposes them, for the same choices and sampler."""
    from omegaconf import OmegaConf

    told: list[Any] = [[one.digest for one in members]]
    if line.is_sampled:
        told += [line.sweeping, OmegaConf.to_container(line.hydra.sweeper), settings.metric, settings.direction]
    if settings.pruning.enabled:
        told.append(settings.pruning.model_dump())
    return digest(told)


class SweepRun:
    """Runs the members that are not finished, or those that a sampler proposes.

    `known`: the members, or what stands for them where a sampler proposes them. `plans`: by what they compute. `stop`:
    listens to who asks the sweep to end.
    """

    def __init__(
        self,
        line: Line,
        folder: Path,
        known: Sequence[Member],
        config: RunConfig,
        plans: Mapping[str, Mapping[str, Any]],
        stop: StopSignal,
        quiet: bool,
    ) -> None:
        self.line, self.config, self.plans, self.stop = line, config, plans, stop
        self.known = known
        together = at_once(line)
        if line.is_sampled:
            together = min(together, int(line.hydra.sweeper.get("n_jobs") or 1))
        keys = swept_keys(line, known)
        self.record = Record(
            folder=folder,
            name=config.name,
            digest=sweep_digest(line, known, config.sweep),
            words=list(line.typed),
            swept=keys,
            working_folder=os.getcwd(),
            process=(platform.node(), os.getpid()),
            at_once=together,
            fail_fast=config.sweep.fail_fast,
        )
        comparable = not {key.partition(".")[0] for key in keys} & set(OF_THE_LOSS)
        self.monitor = Monitor(self.record, stop, quiet, comparable)

    def to_the_end(self) -> None:
        """Run them all, or until one failed where `sweep.fail_fast` is set.

        Raises:
            Interrupted: where the sweep was asked to stop; members that ran have written a checkpoint.
            PluglmError: where the launcher cannot start any.
        """
        with hydra_in(self.line, self.record.folder) as (config, context):
            self.launcher = launcher(self.line, config, context)
            with self.monitor:
                try:
                    if self.line.is_sampled:
                        sample(self.line, config, context, self.config, self.run)
                    else:
                        self.run(self.known)
                except _OneFailed:
                    pass
        if stopped := self.record.with_status(record.STOPPED):
            raise self._interrupted(f"{len(stopped)} members were stopped")

    def run(self, members: Sequence[Member]) -> list[Path | None]:
        """Run those that are not finished, and give the folders of all, None where one cannot run."""
        with self.monitor.lock:
            entries = [self.record.add(one, self._plan(one)) for one in members]
            record.forget_unended(self.record.folder, entries)
            self.record.write()
        self._launch(list({entry.number: entry for entry in entries if entry.status == record.WAITING}.values()))
        return [None if entry.folder is None else self.record.folder / entry.folder for entry in entries]

    def _plan(self, one: Member) -> Mapping[str, Any] | None:
        return None if one.config is None else self.plans.get(one.digest) or plan_of(one.config)

    def _launch(self, waiting: Sequence[Entry]) -> None:
        while waiting:
            failure: Exception | None = None
            try:
                names = [str(entry.folder) for entry in waiting]
                launch(self.launcher, self.line, names, batch_size(self.line, len(names)))
            except Exception as error:
                # A worker of the launcher that died takes others with it; those that have not begun are tried again.
                failure = error
            self.monitor.look()
            self._check_stopped()
            left = [entry for entry in waiting if entry.status in (record.RUNNING, record.WAITING)]
            for entry in left:
                if entry.status == record.RUNNING:
                    reason = f"its launcher failed: {_said(failure)}"
                    record.set_state(self.record.folder / str(entry.folder), status=record.FAILED, reason=reason)
            if failure is not None and len(left) == len(waiting):
                raise PluglmError(f"the launcher failed: {_said(failure)}") from failure
            waiting = [entry for entry in left if entry.status == record.WAITING]

    def _check_stopped(self) -> None:
        if self.stop.received:
            raise self._interrupted(f"stopped by {self.stop.received}")
        if (self.record.folder / record.STOP).exists():
            raise _OneFailed

    def _interrupted(self, why: str) -> Interrupted:
        ended, all_of_them = len(self.record.with_status(*record.ENDED)), len(self.record.members)
        again = shlex.join(["pluglm", "train", "-m", *self.line.typed])
        return Interrupted(f"{why}; {ended} of {all_of_them} members are finished; go on with the same line: {again}")


def _said(error: Exception | None) -> str:
    return "it returned too early" if error is None else " ".join(f"{type(error).__name__}: {error}".split())

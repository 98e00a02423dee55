"""What each service holds of a run, read from its files with its own library: numbers by (name, step), and the rest."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Held:
    """`points`: every number that was sent, in its order; `scores`: those without a step of their own."""

    points: list[tuple[str, int, float]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    status: Any = None
    more: dict[str, Any] = field(default_factory=dict)


def tensorboard(run: Path) -> Held:
    """Through TensorBoard's accumulator, as its server reads."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    held = Held()
    for name in events.Tags()["scalars"]:
        held.points += [(name, event.step, event.value) for event in events.Scalars(name)]

    def session(tag: str) -> Any:
        data = plugin_data_pb2.HParamsPluginData()
        data.ParseFromString(events.SummaryMetadata(tag).plugin_data.content)
        return data

    for name, value in session(metadata.SESSION_START_INFO_TAG).session_start_info.hparams.items():
        held.settings[name] = getattr(value, value.WhichOneof("kind"))
    held.status = api_pb2.Status.Name(session(metadata.SESSION_END_INFO_TAG).session_end_info.status)
    held.more = {tag: events.Tensors(tag)[-1].tensor_proto.string_val[0].decode() for tag in events.Tags()["tensors"]}
    return held


def mlflow(database: Path, run_id: str) -> Held:
    """Through MLflow's client."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{database}")
    run = client.get_run(run_id)
    held = Held(settings=dict(run.data.params), status=run.info.status, more=dict(run.data.tags))
    for name in run.data.metrics:
        held.points += [(name, point.step, point.value) for point in client.get_metric_history(run_id, name)]
    return held


def wandb(folder: Path) -> Held:
    """The one offline run in `folder`, through W&B's own messages; what it does with them is in another language."""
    from wandb.proto.wandb_internal_pb2 import Record

    [path] = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    held = Held()
    for part in _messages(path.read_bytes()):
        record = Record.FromString(part)
        if record.WhichOneof("record_type") == "history":
            line = {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.history.item}
            step = line["_step"]
            held.points += [(name, step, value) for name, value in line.items() if not name.startswith("_")]
        elif record.WhichOneof("record_type") == "config":
            held.settings |= {item.key: json.loads(item.value_json) for item in record.config.update}
        elif record.WhichOneof("record_type") == "summary":
            held.scores |= {i.key: json.loads(i.value_json) for i in record.summary.update if i.key}
        elif record.WhichOneof("record_type") == "run":
            run = record.run
            held.more = {"id": run.run_id, "name": run.display_name, "tags": list(run.tags), "group": run.run_group}
            held.more |= {"host": run.host, "project": run.project}
        elif record.WhichOneof("record_type") == "exit":
            held.status = record.exit.exit_code
    return held


def _messages(data: bytes) -> Iterator[bytes]:
    """The records of a log in LevelDB's format, of blocks of 32 KiB, whose header here has seven bytes."""
    at, part = 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + 7])
        part += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield part
            part = b""

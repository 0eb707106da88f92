"""The TypeScript says the same as the declarations, and where there is a compiler, compiles."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import EVENTS
from zena_sse.contract.typescript import _jsdoc, typescript

TEXT = typescript()

USE = """
import type { Accepted, BatchEntry, Commands, CommandType, EventOf, EventType, ZenaEvent } from "./events";

export function shown(event: ZenaEvent): string {
  switch (event.type) {
    case "thread.new": return event.payload.subject + event.payload.from;
    case "sync.completed": return event.payload.error ?? String(event.payload.threadsProcessed);
    default: return event.type;
  }
}
export declare function send<T extends CommandType>(
  type: T, payload: Commands[T]["payload"]
): Promise<Accepted<Commands[T]["result"]>>;
export const syncs: Promise<string[]> = send("sync.request", {}).then(({ result }) => result.syncIds);
export const queued: BatchEntry = { type: "thread.view", payload: { threadId: "t" }, commandId: "k" };
// @ts-expect-error: the payload of another command
export const mixed: BatchEntry = { type: "thread.view", payload: { where: "here" } };
// @ts-expect-error: no such type
export const unknown: EventType = "thread.gone";
// @ts-expect-error: the name on the wire is `from`
export const sender = (event: EventOf<"thread.new">) => event.payload.sender;
"""


def interface(name: str) -> dict[str, str]:
    """The fields of an exported interface, a `?` included, with their types."""
    found = re.search(rf"^export interface {name} {{\n(.*?)^}}", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert found, f"no interface {name}"
    return dict(re.findall(r'^  ("?[\w.]+"?\??): (.*);$', found[1], flags=re.MULTILINE))


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.type)
def test_an_interface_has_the_fields_of_its_payload(event: type[msgspec.Struct]) -> None:
    expected = [f"{f.encode_name}{'' if f.required else '?'}" for f in msgspec.structs.fields(event)]
    assert sorted(interface(event.__name__)) == sorted(expected)


def test_types_are_the_ones_that_json_has() -> None:
    assert interface("ThreadUpdated") == {
        "threadId": "string",
        "classification": '"buyer" | "lawyer_broker" | "market" | "noise" | "vendor" | null',
        "category": '"focus" | "waiting" | null',
        "nextActionOwner": '"agent" | "other" | null',
        "subject?": "string",
        "lastMessageAt?": "string",
        "messageCount?": "number",
        "riskLevel?": '"high" | "low" | "medium" | "none"',
        "propertyId?": "string",
        "dealId?": "string",
        "confidence?": "number",
        "removed?": "boolean",
        "mergedInto?": "string",
    }
    assert interface("SyncIds") == {"syncIds": "Array<string>"}
    assert interface("SyncRequest") == {"accountId?": "string | null"}


def test_commands_pair_a_payload_with_its_result() -> None:
    pairs = {
        f'"{c.type}"': f"{{ payload: {c.__name__}; result: {c.result.__name__} }}" for c in COMMANDS.values()
    }
    assert interface("Commands") == pairs


def test_the_union_and_the_list_of_types_have_every_event() -> None:
    assert re.findall(r'^  \| Envelope<"([\w.]+)", \w+>', TEXT, flags=re.MULTILINE) == list(EVENTS)
    listed = re.search(r"eventTypes: readonly (\[.*\]);", TEXT)
    assert listed
    assert json.loads(listed[1]) == list(EVENTS)


def test_docstrings_become_comments_and_cannot_end_early() -> None:
    assert "/** A mailbox is being read. */\nexport interface SyncStarted {" in TEXT
    assert TEXT.count("/*") == TEXT.count("*/")
    assert _jsdoc("every `thread.*/x`") == "/** every `thread.* /x` */\n"


@pytest.mark.needs("tsc")
def test_it_compiles_and_narrows_by_type(tmp_path: Path) -> None:
    compiler = shutil.which("tsc")
    assert compiler
    (tmp_path / "events.d.ts").write_text(TEXT)
    (tmp_path / "use.ts").write_text(USE)
    options = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022"]
    done = subprocess.run(
        [compiler, *options, "use.ts", "events.d.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

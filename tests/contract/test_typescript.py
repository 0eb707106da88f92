"""The TypeScript says the same as the declarations, and where there is a compiler, compiles."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from zena_sse.app import openapi_document
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import EVENTS
from zena_sse.contract.javascript import javascript
from zena_sse.contract.typescript import _jsdoc, typescript
from zena_sse.web.pages import STATIC

DOCUMENT = openapi_document()
TEXT = typescript(DOCUMENT["components"]["schemas"])

USE = """
import { commandTypes, eventTypes } from "./events.js";
import type { Accepted, BatchEntry, Commands, CommandType, EventOf, EventType, ZenaEvent } from "./events.js";
import type { Snapshot, ThreadDetail } from "./events.js";

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
export const listened: readonly EventType[] = eventTypes;
export const first: "stream.ready" = eventTypes[0];
export const posted: readonly CommandType[] = commandTypes;
export const owed = (snapshot: Snapshot) => snapshot.threads.filter((thread) => thread.category === "focus");
export const senders = (thread: ThreadDetail) => thread.messages.map((message) => message.from.email);
// @ts-expect-error: a message has no such thing
export const sent = (thread: ThreadDetail) => thread.messages[0].sender;
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


def test_the_union_and_the_lists_have_every_type() -> None:
    assert re.findall(r'^  \| Envelope<"([\w.]+)", \w+>', TEXT, flags=re.MULTILINE) == list(EVENTS)
    for name, types in (("eventTypes", EVENTS), ("commandTypes", COMMANDS)):
        listed = re.search(rf"export const {name}: readonly (\[.*\]);", TEXT)
        assert listed
        assert json.loads(listed[1]) == list(types)


def test_whatever_a_route_takes_or_answers_is_there_with_all_that_is_in_it() -> None:
    assert interface("Snapshot")["asks"] == "Array<AskItem>"
    assert interface("ThreadDetail")["messages"] == "Array<MessageItem>"
    assert interface("TimelineEntry")["threadId"] == "string | null"
    assert interface("ThreadCorrection")["category?"] == '"focus" | "waiting" | null'
    exported = re.findall(r"^export (?:interface|type|const) (\w+)", TEXT, flags=re.MULTILINE)
    assert len(exported) == len(set(exported))
    paths = DOCUMENT["paths"].items()
    named = [json.dumps(item) for path, item in paths if not path.startswith(("/commands", "/events"))]
    wanted = set(re.findall(r"#/components/schemas/(\w+)", " ".join(named)))
    assert {"ThreadItem", "AskItem", "TimelineEntry"} <= wanted
    answers = {"Snapshot", "ThreadPage", "DealPage", "DealDetail", "TaskPage", "AskPage", "AccountList", "Me"}
    assert wanted | answers | {"Ticket", "AccountRequest"} <= set(exported)


@pytest.mark.parametrize(
    ("name", "text"), [("events.d.ts", TEXT), ("events.js", javascript())], ids=["events.d.ts", "events.js"]
)
def test_what_the_client_has_is_what_the_declarations_say(name: str, text: str) -> None:
    assert (STATIC / "client" / name).read_text() == text, "`make contract` writes it anew"


@pytest.mark.needs("node")
def test_the_module_says_what_its_declaration_says(tmp_path: Path) -> None:
    (tmp_path / "events.mjs").write_text(javascript())
    script = 'import * as all from "./events.mjs"; console.log(JSON.stringify(all));'
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"eventTypes": list(EVENTS), "commandTypes": list(COMMANDS)}


def test_docstrings_become_comments_and_cannot_end_early() -> None:
    assert "/** A mailbox is being read. */\nexport interface SyncStarted {" in TEXT
    assert TEXT.count("/*") == TEXT.count("*/")
    assert _jsdoc("every `thread.*/x`") == "/** every `thread.* /x` */\n"


@pytest.mark.needs("tsc")
def test_it_compiles_and_narrows_by_type(tmp_path: Path) -> None:
    compiler = shutil.which("tsc")
    assert compiler
    (tmp_path / "events.d.ts").write_text(TEXT)
    (tmp_path / "events.js").write_text(javascript())
    (tmp_path / "use.ts").write_text(USE)
    options = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022"]
    options += ["--module", "es2022", "--moduleResolution", "bundler"]
    done = subprocess.run(
        [compiler, *options, "use.ts", "events.d.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

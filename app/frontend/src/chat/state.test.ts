import { describe, expect, it } from "@jest/globals";
import type { Problem } from "../api/problem.ts";
import type { Conversation, Message, StreamEvent, ToolCall } from "../api/types.ts";
import { type ChatEvent, type ChatState, initialChat, placeOf, reduceChat, turnUnderWay, unsentText } from "./state.ts";
import type { Turn } from "./turns.ts";

const problem: Problem = { code: "stream_cut", message: "cut", requestId: null, retryable: true };
const call: ToolCall = { id: "c1", name: "add_task", arguments: { title: "tea" }, outcome: null };
const outcome = { ok: true, result: { id: 1 } };
const time = "2026-01-01T00:00:00Z";

const play = (state: ChatState, ...events: ChatEvent[]) => events.reduce(reduceChat, state);
const sent: ChatEvent = { type: "chat/sent", key: "k1", message: "add tea" };
const streamed = (event: StreamEvent, key = "k1"): ChatEvent => ({ type: "chat/streamed", key, event });
const failed = (key = "k1"): ChatEvent => ({ type: "chat/failed", key, problem, conversationId: null });
const loaded = (...messages: Message[]): ChatEvent => ({ type: "chat/historyLoaded", id: 3, messages });
const followed = (...messages: Message[]): ChatEvent => ({ type: "chat/followed", id: 3, messages });

function message(id: number, role: Message["role"], content: string, idempotency_key: string | null = null): Message {
  return { id, role, content, tool_calls: [], idempotency_key, answering: false, created_at: time };
}

/** The only turn of a conversation that has one. */
function onlyTurn({ turns }: ChatState): Turn {
  expect(turns).toHaveLength(1);
  return turns[0] as Turn;
}

describe("a turn", () => {
  const running = play(
    initialChat,
    sent,
    streamed({ type: "start", conversationId: 5 }),
    streamed({ type: "tool_call", call }),
    streamed({ type: "tool_result", id: "c1", outcome }),
    streamed({ type: "delta", text: "Added " }),
    streamed({ type: "delta", text: "tea." }),
  );

  it("gathers the answer as it arrives", () => {
    expect(onlyTurn(running)).toMatchObject({
      status: "answering",
      answer: "Added tea.",
      toolCalls: [{ id: "c1", outcome }],
    });
    expect(running.conversationId).toBe(5);
    expect(turnUnderWay(running)?.key).toBe("k1");
  });

  it("leaves other tool calls as they are when one ends", () => {
    const other: ToolCall = { ...call, id: "c2" };
    const state = play(
      initialChat,
      sent,
      streamed({ type: "tool_call", call: other }),
      streamed({ type: "tool_result", id: "c1", outcome }),
    );
    expect(onlyTurn(state).toolCalls).toEqual([other]);
  });

  it("is settled when it is done, with the server's text", () => {
    const done = play(
      running,
      streamed({ type: "done", conversationId: 5, response: "Added “tea”.", toolCalls: [{ ...call, outcome }] }),
    );
    expect(onlyTurn(done)).toMatchObject({
      message: "add tea",
      answer: "Added “tea”.",
      toolCalls: [{ outcome }],
      status: "done",
    });
    expect(turnUnderWay(done)).toBeUndefined();
  });

  it("keeps its key and message when it fails, and the conversation that the server named", () => {
    const state = play(initialChat, sent, { type: "chat/failed", key: "k1", problem, conversationId: 9 });
    expect(state).toMatchObject({
      conversationId: 9,
      turns: [{ key: "k1", message: "add tea", status: "failed", problem }],
    });
    expect(play(running, failed()).conversationId).toBe(5);
  });

  it("starts afresh in its place under the same key when it is sent again", () => {
    const other: ChatEvent = { type: "chat/sent", key: "k2", message: "later" };
    const again = play(running, failed(), other, failed("k2"), sent);
    expect(again.turns).toMatchObject([
      { key: "k1", message: "add tea", answer: "", toolCalls: [], status: "sending", problem: null },
      { key: "k2", status: "failed" },
    ]);
  });

  it("that failed stays when another message is sent", () => {
    const state = play(running, failed(), { type: "chat/sent", key: "k2", message: "later" });
    expect(state.turns).toMatchObject([
      { key: "k1", status: "failed", problem },
      { key: "k2", status: "sending" },
    ]);
  });

  it.each<[string, ChatEvent]>([
    ["text", streamed({ type: "delta", text: "late" }, "old")],
    ["start", streamed({ type: "start", conversationId: 8 }, "old")],
    ["failure", failed("old")],
    ["end of a stop", { type: "chat/stopFailed", key: "old", problem }],
  ])("takes no %s of another turn", (_, event) => {
    expect(reduceChat(running, event)).toBe(running);
  });

  it("gives its message back to the field when it is taken back, before what is typed there", () => {
    const back = play(running, failed(), { type: "chat/takenBack", key: "k1" });
    expect(back).toMatchObject({ turns: [], draft: "add tea", unsent: [] });
    const typed = play(running, failed(), { type: "chat/drafted", text: "x" }, { type: "chat/takenBack", key: "k1" });
    expect(typed.draft).toBe("add tea\nx");
    expect(play(initialChat, { type: "chat/drafted", text: "x" }, { type: "chat/takenBack", key: "?" }).draft).toBe(
      "x",
    );
  });

  it("is stopping until it is over, or until that failed", () => {
    const stopping = play(running, { type: "chat/stopAsked", key: "k1" });
    expect(onlyTurn(stopping)).toMatchObject({ status: "stopping", answer: "Added tea." });
    expect(turnUnderWay(stopping)).toBeDefined();
    expect(onlyTurn(play(stopping, { type: "chat/stopFailed", key: "k1", problem }))).toMatchObject({
      status: "answering",
      problem,
    });
    const over = play(stopping, failed());
    expect(onlyTurn(over)).toMatchObject({ status: "failed", toolCalls: [{ id: "c1" }], answer: "Added tea." });
    expect(play(over, { type: "chat/stopFailed", key: "k1", problem }).turns).toEqual(over.turns);
  });
});

describe("the draft", () => {
  it("is emptied when it is sent, and kept when something else is", () => {
    const typed = reduceChat(initialChat, { type: "chat/drafted", text: " add tea " });
    expect(reduceChat(typed, sent).draft).toBe("");
    expect(reduceChat(typed, { ...sent, message: "Hello" }).draft).toBe(" add tea ");
  });

  it("is what a refused session would lose, with the message that was refused", () => {
    const state = play(initialChat, { type: "chat/drafted", text: "more" }, sent);
    expect(unsentText(state, "/api/ada/chat/stream")).toBe("add tea\nmore");
    expect(unsentText(state, "/api/ada/tasks")).toBe("more");
  });
});

describe("a message", () => {
  const other: ChatEvent = { type: "chat/sent", key: "k2", message: "later" };

  it("is unsent until the server names its conversation", () => {
    const state = play(initialChat, sent);
    expect(state.unsent).toEqual([{ key: "k1", message: "add tea", conversationId: null }]);
    expect(play(state, failed()).unsent).toHaveLength(1);
    expect(play(state, streamed({ type: "start", conversationId: 5 })).unsent).toEqual([]);
    expect(play(state, { type: "chat/failed", key: "k1", problem, conversationId: 5 }).unsent).toEqual([]);
    expect(play(state, failed(), sent).unsent).toHaveLength(1);
  });

  it("that failed belongs to the conversation that the next one begins", () => {
    const state = play(initialChat, sent, failed(), other, streamed({ type: "start", conversationId: 5 }, "k2"));
    expect(state.unsent).toEqual([{ key: "k1", message: "add tea", conversationId: 5 }]);
  });

  it("that would have begun a conversation is given up with it", () => {
    const state = play(initialChat, sent, failed(), { type: "chat/conversationStarted" });
    expect(state).toMatchObject({ turns: [], unsent: [] });
  });

  it("is not kept for a reload when it went back to the field", () => {
    expect(placeOf(play(initialChat, sent), "k1")).toEqual({ conversationId: null, unsent: [] });
    expect(placeOf(play(initialChat, sent)).unsent).toHaveLength(1);
  });

  it("that was not sent is there again after a reload, to be sent again", () => {
    const place = { conversationId: null, unsent: [{ key: "k1", message: "add tea", conversationId: null }] };
    expect(onlyTurn(play(initialChat, { type: "chat/resumed", place }))).toMatchObject({
      key: "k1",
      message: "add tea",
      status: "failed",
      problem: { code: "unsent", retryable: true },
    });
  });

  it("that was not sent is there again when its conversation is opened, unless it did arrive", () => {
    const unsent = [
      { key: "k1", message: "lost", conversationId: 3 },
      { key: "k2", message: "arrived", conversationId: 3 },
      { key: "k3", message: "elsewhere", conversationId: 4 },
    ];
    const opened = play(
      initialChat,
      { type: "chat/resumed", place: { conversationId: 3, unsent } },
      {
        type: "chat/conversationOpened",
        id: 3,
      },
    );
    const state = play(opened, loaded(message(1, "user", "arrived", "k2"), message(2, "assistant", "Yes.", "k2")));
    expect(state.turns).toMatchObject([
      { key: "k2", answer: "Yes.", status: "done" },
      { key: "k1", message: "lost", status: "failed", problem: { code: "unsent" } },
    ]);
    expect(state.unsent.map(({ key }) => key)).toEqual(["k1", "k3"]);
  });
});

describe("a conversation", () => {
  const opened = play(initialChat, sent, { type: "chat/conversationOpened", id: 3 });

  it("shows nothing of another one while it is loading", () => {
    expect(opened).toMatchObject({ conversationId: 3, turns: [], history: { status: "loading" } });
  });

  it("shows the stored messages", () => {
    const state = reduceChat(opened, loaded(message(1, "user", "hi", "k0"), message(2, "assistant", "Hello!", "k0")));
    expect(state).toMatchObject({ history: { status: "ready" } });
    expect(onlyTurn(state)).toMatchObject({ message: "hi", answer: "Hello!", status: "done" });
  });

  it("shows an answer under its question, also when it came late", () => {
    const state = reduceChat(
      opened,
      loaded(
        message(1, "user", "first", "k1"),
        message(2, "user", "second", "k2"),
        message(3, "assistant", "to second", "k2"),
        message(4, "assistant", "to first", "k1"),
      ),
    );
    expect(state.turns.map(({ message, answer }) => [message, answer])).toEqual([
      ["first", "to first"],
      ["second", "to second"],
    ]);
  });

  it("offers to answer stored messages that never were, wherever they stand, under their keys", () => {
    const state = reduceChat(
      opened,
      loaded(message(1, "user", "add milk", "k6"), message(2, "user", "hi", null), message(3, "user", "add tea", "k7")),
    );
    expect(state.turns).toMatchObject([
      { key: "k6", message: "add milk", status: "failed", problem: { code: "unanswered", retryable: true } },
      { message: "hi", status: "done", problem: null },
      { key: "k7", message: "add tea", status: "failed", problem: { code: "unanswered", retryable: true } },
    ]);
  });

  it("shows why a message failed and what was done for it", () => {
    const done = { ...call, outcome: { ok: true, result: {} } };
    const failure = { code: "turn_timeout", message: "It took too long." };
    const state = reduceChat(opened, loaded({ ...message(1, "user", "buy milk", "k1"), failure, tool_calls: [done] }));
    expect(onlyTurn(state)).toMatchObject({
      key: "k1",
      toolCalls: [done],
      problem: { code: "turn_timeout", message: "It took too long.", retryable: true },
    });
  });

  it("shows an answer whose question is not stored", () => {
    const state = reduceChat(opened, loaded(message(1, "assistant", "Here I am.")));
    expect(onlyTurn(state)).toMatchObject({ message: null, answer: "Here I am." });
  });

  it("keeps what was sent while it was loading, and its answer", () => {
    const history = [message(1, "user", "hi", "k0"), message(2, "assistant", "Hello!", "k0")];
    const asked = play(opened, sent, streamed({ type: "start", conversationId: 3 }));
    // The history may already have the question.
    const answering = { ...message(3, "user", "add tea", "k1"), answering: true };
    for (const messages of [history, [...history, answering]]) {
      const state = play(asked, streamed({ type: "delta", text: "Add" }), loaded(...messages));
      expect(state.turns).toMatchObject([
        { key: "k0", answer: "Hello!" },
        { key: "k1", message: "add tea", answer: "Add", status: "answering" },
      ]);
      expect(play(state, streamed({ type: "delta", text: "ed." })).turns[1]).toMatchObject({ answer: "Added." });
    }
    const done = play(asked, streamed({ type: "done", conversationId: 3, response: "Added.", toolCalls: [] }));
    expect(play(done, loaded(...history)).turns.map(({ answer }) => answer)).toEqual(["Hello!", "Added."]);
  });

  it("takes the server's word for what failed while it was loading", () => {
    const answer = [message(1, "user", "add tea", "k1"), message(2, "assistant", "Added.", "k1")];
    expect(onlyTurn(play(opened, sent, failed(), loaded(...answer)))).toMatchObject({
      answer: "Added.",
      problem: null,
    });
  });

  it("drops what arrives for one that is no longer open", () => {
    expect(reduceChat(opened, { type: "chat/historyLoaded", id: 4, messages: [] })).toBe(opened);
    expect(reduceChat(opened, { type: "chat/followed", id: 4, messages: [] })).toBe(opened);
    expect(reduceChat(opened, { type: "chat/historyFailed", id: 4, problem })).toBe(opened);
  });

  it("remembers why it could not be loaded, and what was sent meanwhile", () => {
    const state = play(opened, sent, { type: "chat/historyFailed", id: 3, problem });
    expect(state.history).toEqual({ status: "failed", problem });
    expect(onlyTurn(state)).toMatchObject({ key: "k1" });
  });

  it("starts anew without messages", () => {
    expect(reduceChat(opened, { type: "chat/conversationStarted" })).toMatchObject({
      conversationId: null,
      history: { status: "ready" },
    });
  });
});

describe("a turn that is answered elsewhere", () => {
  const before = [message(1, "user", "hi", "k0"), message(2, "assistant", "Hello!", "k0")];
  const question = { ...message(3, "user", "add tea", "k1"), answering: true };
  const opened = play(initialChat, { type: "chat/conversationOpened", id: 3 }, loaded(...before, question));
  const done = { ...call, outcome };

  it("is under way, shows what was done so far, and is settled by its answer", () => {
    expect(turnUnderWay(opened)).toMatchObject({ key: "k1", status: "answering" });
    const more = play(opened, followed({ ...question, tool_calls: [done] }));
    expect(turnUnderWay(more)).toMatchObject({ toolCalls: [done] });
    const answered = play(more, followed(message(3, "user", "add tea", "k1"), message(4, "assistant", "Added.", "k1")));
    expect(answered.turns.map(({ answer }) => answer)).toEqual(["Hello!", "Added."]);
    expect(turnUnderWay(answered)).toBeUndefined();
  });

  it("goes on being stopped until the server says that it is over", () => {
    const stopping = play(opened, { type: "chat/stopAsked", key: "k1" }, followed(question));
    expect(turnUnderWay(stopping)?.status).toBe("stopping");
    const failure = { code: "stopped", message: "Stopped." };
    const over = play(stopping, followed({ ...message(3, "user", "add tea", "k1"), failure }));
    expect(over.turns[1]).toMatchObject({ status: "failed", problem: { code: "stopped" } });
  });
});

describe("the list of conversations", () => {
  const conversation = (id: number, title = `c${id}`): Conversation => ({
    id,
    title,
    created_at: time,
    updated_at: time,
  });
  const newest = (olderExist: boolean, ...ids: number[]): ChatEvent => ({
    type: "chat/conversationsLoaded",
    query: "",
    conversations: ids.map((id) => conversation(id)),
    olderExist,
  });
  const older = (olderExist: boolean, ...ids: number[]): ChatEvent => ({
    type: "chat/olderConversationsLoaded",
    query: "",
    conversations: ids.map((id) => conversation(id)),
    olderExist,
  });
  const idsOf = (state: ChatState) => state.conversations.items.map(({ id }) => id);

  it("stays when a later load fails, and is extended with older ones", () => {
    const listed = play(initialChat, newest(true, 9), { type: "chat/conversationsFailed", problem });
    expect(listed.conversations).toMatchObject({ items: [{ id: 9 }], olderExist: true, problem });
    const more = reduceChat(listed, older(false, 2));
    expect(more.conversations).toMatchObject({ items: [{ id: 9 }, { id: 2 }], olderExist: false, problem: null });
  });

  it("keeps the older ones that were loaded when the newest are loaded again", () => {
    const listed = play(initialChat, newest(true, 9, 8), older(true, 7, 6));
    const again = reduceChat(listed, newest(true, 10, 9));
    expect(idsOf(again)).toEqual([10, 9, 8, 7, 6]);
    expect(again.conversations.olderExist).toBe(true);
    expect(reduceChat(play(listed, older(false, 5)), newest(true, 10, 9)).conversations.olderExist).toBe(false);
  });

  it("drops those that the newest page shows to be gone", () => {
    const listed = play(initialChat, newest(true, 9, 8), older(false, 7));
    expect(idsOf(reduceChat(listed, newest(true, 9, 7)))).toEqual([9, 7]);
    expect(idsOf(reduceChat(listed, newest(false, 9)))).toEqual([9]);
  });

  it("begins anew when there may be others between the newest and what is known", () => {
    const listed = play(initialChat, newest(true, 9, 8), older(false, 7));
    const state = reduceChat(listed, newest(true, 29, 28));
    expect(idsOf(state)).toEqual([29, 28]);
    expect(state.conversations.olderExist).toBe(true);
  });

  it("shows a page that arrives twice once", () => {
    const state = play(initialChat, newest(true, 9), older(true, 8), older(true, 8));
    expect(idsOf(state)).toEqual([9, 8]);
    expect(state.conversations.olderExist).toBe(true);
    expect(play(state, older(false)).conversations.olderExist).toBe(false);
  });

  it("takes no answer to another search", () => {
    const searched = play(initialChat, newest(true, 9), { type: "chat/conversationsSearched", query: "tea" });
    expect(searched.conversations).toMatchObject({ items: [], query: "tea", known: false });
    expect(idsOf(play(searched, newest(false, 9), older(false, 8)))).toEqual([]);
    const found = play(searched, { ...newest(false, 4), query: "tea" } as ChatEvent);
    expect(idsOf(found)).toEqual([4]);
    expect(play(found, { type: "chat/conversationsSearched", query: "tea" })).toEqual(found);
  });

  it("opens a form for a name or the question before deletion, one at a time, and closes it", () => {
    const open = play(newOpen(), { type: "chat/conversationOpenedFor", id: 8, as: "confirm-delete" });
    expect(open.conversations.open).toEqual({ id: 8, as: "confirm-delete" });
    expect(play(open, { type: "chat/conversationClosed" }).conversations.open).toBeNull();
  });

  const newOpen = () =>
    play(initialChat, newest(false, 9, 8), { type: "chat/conversationOpenedFor", id: 9, as: "rename" });

  it("shows a new name, and closes its form", () => {
    const state = play(newOpen(), { type: "chat/conversationRenamed", conversation: conversation(9, "Tea") });
    expect(state.conversations).toMatchObject({ items: [{ title: "Tea" }, { title: "c8" }], open: null });
  });

  it("shows nothing more of what was deleted, be it open or not", () => {
    const open = play(
      newOpen(),
      { type: "chat/conversationOpened", id: 9 },
      { type: "chat/historyLoaded", id: 9, messages: [message(1, "user", "hi", "k0")] },
      sent,
      failed(),
    );
    const other = play(open, { type: "chat/conversationDeleted", id: 8 });
    expect(other).toMatchObject({ conversationId: 9, unsent: [{ key: "k1" }] });
    expect(idsOf(other)).toEqual([9]);
    const own = play(open, { type: "chat/conversationDeleted", id: 9 });
    expect(own).toMatchObject({ conversationId: null, turns: [], unsent: [] });
    expect(idsOf(own)).toEqual([8]);
  });

  it("opens and closes on a narrow screen", () => {
    const open = reduceChat(initialChat, { type: "chat/conversationsToggled" });
    expect(open.conversationsOpen).toBe(true);
    expect(reduceChat(open, { type: "chat/conversationsToggled" }).conversationsOpen).toBe(false);
  });
});

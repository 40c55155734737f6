import { describe, expect, it } from "@jest/globals";
import type { Problem } from "../api/problem.ts";
import type { Message, StreamEvent, ToolCall } from "../api/types.ts";
import { type ChatEvent, type ChatState, initialChat, isBusy, reduceChat } from "./state.ts";

const problem: Problem = { code: "stream_cut", message: "cut", requestId: null, retryable: true };
const call: ToolCall = { id: "c1", name: "add_task", arguments: { title: "tea" }, outcome: null };
const outcome = { ok: true, result: { id: 1 } };
const time = "2026-01-01T00:00:00Z";

const play = (state: ChatState, ...events: ChatEvent[]) => events.reduce(reduceChat, state);
const sent: ChatEvent = { type: "chat/sent", key: "k1", message: "add tea" };
const streamed = (event: StreamEvent, key = "k1"): ChatEvent => ({ type: "chat/streamed", key, event });
const failed = (key = "k1"): ChatEvent => ({ type: "chat/failed", key, problem, conversationId: null });

function message(id: number, role: Message["role"], content: string, idempotency_key: string | null = null): Message {
  return { id, role, content, tool_calls: [], idempotency_key, created_at: time };
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
    expect(running.turn).toMatchObject({
      status: "streaming",
      answer: "Added tea.",
      toolCalls: [{ id: "c1", outcome }],
    });
    expect(running.conversationId).toBe(5);
    expect(isBusy(running)).toBe(true);
  });

  it("leaves other tool calls as they are when one ends", () => {
    const other: ToolCall = { ...call, id: "c2" };
    const state = play(
      initialChat,
      sent,
      streamed({ type: "tool_call", call: other }),
      streamed({ type: "tool_result", id: "c1", outcome }),
    );
    expect(state.turn?.toolCalls).toEqual([other]);
  });

  it("becomes two messages when it is done, with the server's text", () => {
    const done = play(
      running,
      streamed({ type: "done", conversationId: 5, response: "Added “tea”.", toolCalls: [{ ...call, outcome }] }),
    );
    expect(done.turn).toBeNull();
    expect(done.entries).toMatchObject([
      { role: "user", text: "add tea" },
      { role: "assistant", text: "Added “tea”.", toolCalls: [{ outcome }] },
    ]);
    expect(isBusy(done)).toBe(false);
  });

  it("keeps its key and message when it fails, and the conversation that the server named", () => {
    const state = play(initialChat, sent, { type: "chat/failed", key: "k1", problem, conversationId: 9 });
    expect(state).toMatchObject({
      conversationId: 9,
      turn: { key: "k1", message: "add tea", status: "failed", problem },
    });
    expect(play(running, failed()).conversationId).toBe(5);
  });

  it("starts afresh under the same key when it is sent again", () => {
    const again = play(running, failed(), sent);
    expect(again.turn).toEqual({
      key: "k1",
      message: "add tea",
      answer: "",
      toolCalls: [],
      status: "waiting",
      problem: null,
    });
  });

  it.each<[string, ChatEvent]>([
    ["text", streamed({ type: "delta", text: "late" }, "old")],
    ["a failure", failed("old")],
  ])("takes no %s of another turn", (_, event) => {
    expect(reduceChat(running, event)).toBe(running);
  });

  it("gives its message back to the field when it is taken back", () => {
    expect(play(running, failed(), { type: "chat/takenBack" })).toMatchObject({ turn: null, draft: "add tea" });
    expect(play(initialChat, { type: "chat/drafted", text: "x" }, { type: "chat/takenBack" }).draft).toBe("x");
  });
});

describe("the draft", () => {
  it("is emptied when it is sent, and kept when something else is", () => {
    const typed = reduceChat(initialChat, { type: "chat/drafted", text: " add tea " });
    expect(reduceChat(typed, sent).draft).toBe("");
    expect(reduceChat(typed, { ...sent, message: "Hello" }).draft).toBe(" add tea ");
  });
});

describe("conversations", () => {
  const opened = play(initialChat, sent, { type: "chat/conversationOpened", id: 3 });

  it("shows nothing of another conversation while one is loading", () => {
    expect(opened).toMatchObject({ conversationId: 3, entries: [], turn: null, history: { status: "loading" } });
  });

  it("shows the stored messages", () => {
    const messages = [message(1, "user", "hi", "k0"), message(2, "assistant", "Hello!", "k0")];
    const state = reduceChat(opened, { type: "chat/historyLoaded", id: 3, messages });
    expect(state).toMatchObject({
      entries: [{ text: "hi" }, { text: "Hello!" }],
      turn: null,
      history: { status: "ready" },
    });
  });

  it("offers to answer a stored message that never was, under its stored key", () => {
    const messages = [message(1, "user", "hi", null), message(2, "user", "add tea", "k7")];
    const state = reduceChat(opened, { type: "chat/historyLoaded", id: 3, messages });
    expect(state.entries).toHaveLength(1);
    expect(state.turn).toMatchObject({
      key: "k7",
      message: "add tea",
      status: "failed",
      problem: { code: "unanswered" },
    });
  });

  it("shows why a message failed and what was done for it, in the middle and at the end", () => {
    const call = { id: "c1", name: "add_task", arguments: {}, outcome: { ok: true, result: {} } };
    const failed: Message = {
      id: 1,
      role: "user",
      content: "buy milk",
      tool_calls: [call],
      idempotency_key: "k1",
      failure: { code: "turn_timeout", message: "It took too long." },
      created_at: "2026-01-01T00:00:00Z",
    };
    const cutOff: Message = { ...failed, id: 2, failure: null, idempotency_key: "k2" };
    const opened = play(initialChat, { type: "chat/conversationOpened", id: 7 });
    const state = play(opened, { type: "chat/historyLoaded", id: 7, messages: [cutOff, { ...failed, id: 3 }] });
    expect(state.entries).toEqual([
      { key: "2", role: "user", text: "buy milk", toolCalls: [] },
      { key: "2-failure", role: "assistant", text: "This message has no answer yet.", toolCalls: [call] },
    ]);
    expect(state.turn).toMatchObject({
      key: "k1",
      toolCalls: [call],
      problem: { code: "turn_timeout", message: "It took too long.", retryable: true },
    });
    const middle = play(opened, { type: "chat/historyLoaded", id: 7, messages: [failed, cutOff] });
    expect(middle.entries[1]).toMatchObject({ text: "It took too long.", toolCalls: [call] });
  });

  it("cannot offer it without a key", () => {
    const state = reduceChat(opened, { type: "chat/historyLoaded", id: 3, messages: [message(1, "user", "hi")] });
    expect(state).toMatchObject({ entries: [{ text: "hi" }], turn: null });
  });

  it("drops what arrives for a conversation that is no longer open", () => {
    expect(reduceChat(opened, { type: "chat/historyLoaded", id: 4, messages: [] })).toBe(opened);
    expect(reduceChat(opened, { type: "chat/historyFailed", id: 4, problem })).toBe(opened);
  });

  it("remembers why a conversation could not be loaded", () => {
    expect(reduceChat(opened, { type: "chat/historyFailed", id: 3, problem }).history).toEqual({
      status: "failed",
      problem,
    });
  });

  it("starts anew without messages", () => {
    expect(reduceChat(opened, { type: "chat/conversationStarted" })).toMatchObject({
      conversationId: null,
      history: { status: "ready" },
    });
  });

  it("keeps the list when a later load fails, and extends it with older ones", () => {
    const conversation = (id: number) => ({ id, title: `c${id}`, created_at: time, updated_at: time });
    const listed = play(
      initialChat,
      { type: "chat/conversationsLoaded", conversations: [conversation(9)], olderExist: true },
      { type: "chat/conversationsFailed", problem },
    );
    expect(listed.conversations).toMatchObject({ items: [{ id: 9 }], olderExist: true, problem });
    const more = reduceChat(listed, {
      type: "chat/olderConversationsLoaded",
      conversations: [conversation(2)],
      olderExist: false,
    });
    expect(more.conversations).toMatchObject({ items: [{ id: 9 }, { id: 2 }], olderExist: false, problem: null });
  });

  it("opens and closes the list", () => {
    const open = reduceChat(initialChat, { type: "chat/conversationsToggled" });
    expect(open.conversationsOpen).toBe(true);
    expect(reduceChat(open, { type: "chat/conversationsToggled" }).conversationsOpen).toBe(false);
  });
});

/**
 * One conversation as data: the messages that are settled, and the turn that is under way.
 * A failed turn stays, with its key, until it is tried again or given up.
 */
import type { Problem } from "../api/problem.ts";
import type { Conversation, ConversationId, Message, StreamEvent, ToolCall } from "../api/types.ts";

export interface Entry {
  key: string;
  role: Message["role"];
  text: string;
  toolCalls: ToolCall[];
}

export interface Turn {
  /** Idempotency key, the same for every try. */
  key: string;
  message: string;
  /** As far as the answer has arrived. */
  answer: string;
  toolCalls: ToolCall[];
  status: "waiting" | "streaming" | "failed";
  problem: Problem | null;
}

export interface ChatState {
  /** Null until the first message of a new conversation is stored. */
  conversationId: ConversationId | null;
  /** What is typed and not sent yet. */
  draft: string;
  entries: Entry[];
  turn: Turn | null;
  history: { status: "ready" | "loading" | "failed"; problem: Problem | null };
  conversations: { items: Conversation[]; olderExist: boolean; problem: Problem | null };
  /** Whether the list of conversations is shown where the screen is too narrow to show it always. */
  conversationsOpen: boolean;
}

export type ChatEvent =
  | { type: "chat/drafted"; text: string }
  | { type: "chat/sent"; key: string; message: string }
  | { type: "chat/streamed"; key: string; event: StreamEvent }
  | { type: "chat/failed"; key: string; problem: Problem; conversationId: ConversationId | null }
  /** The failed message goes back to the field, to be changed before it is sent as a new one. */
  | { type: "chat/takenBack" }
  | { type: "chat/conversationStarted" }
  | { type: "chat/conversationOpened"; id: ConversationId }
  | { type: "chat/historyLoaded"; id: ConversationId; messages: Message[] }
  | { type: "chat/historyFailed"; id: ConversationId; problem: Problem }
  | { type: "chat/conversationsLoaded"; conversations: Conversation[]; olderExist: boolean }
  | { type: "chat/olderConversationsLoaded"; conversations: Conversation[]; olderExist: boolean }
  | { type: "chat/conversationsFailed"; problem: Problem }
  | { type: "chat/conversationsToggled" };

/** A stored message without an answer, found when a conversation is opened: the turn was cut off by a crash or a reload. */
const UNANSWERED: Problem = {
  code: "unanswered",
  message: "This message has no answer yet.",
  requestId: null,
  retryable: true,
};

export const initialChat: ChatState = {
  conversationId: null,
  draft: "",
  entries: [],
  turn: null,
  history: { status: "ready", problem: null },
  conversations: { items: [], olderExist: false, problem: null },
  conversationsOpen: false,
};

export function reduceChat(state: ChatState, event: ChatEvent): ChatState {
  switch (event.type) {
    case "chat/drafted":
      return { ...state, draft: event.text };
    case "chat/sent":
      return {
        ...state,
        draft: state.draft.trim() === event.message ? "" : state.draft,
        turn: { key: event.key, message: event.message, answer: "", toolCalls: [], status: "waiting", problem: null },
      };
    case "chat/streamed":
      return state.turn?.key === event.key ? streamed(state, state.turn, event.event) : state;
    case "chat/failed":
      if (state.turn?.key !== event.key) return state;
      return {
        ...state,
        conversationId: event.conversationId ?? state.conversationId,
        turn: { ...state.turn, status: "failed", problem: event.problem },
      };
    case "chat/takenBack":
      return { ...state, draft: state.turn?.message ?? state.draft, turn: null };
    case "chat/conversationStarted":
      return { ...cleared(state), conversationId: null };
    case "chat/conversationOpened":
      return { ...cleared(state), conversationId: event.id, history: { status: "loading", problem: null } };
    case "chat/historyLoaded":
      if (event.id !== state.conversationId) return state;
      return { ...state, ...settled(event.messages), history: { status: "ready", problem: null } };
    case "chat/historyFailed":
      if (event.id !== state.conversationId) return state;
      return { ...state, history: { status: "failed", problem: event.problem } };
    case "chat/conversationsLoaded":
      return { ...state, conversations: { items: event.conversations, olderExist: event.olderExist, problem: null } };
    case "chat/olderConversationsLoaded": {
      const items = [...state.conversations.items, ...event.conversations];
      return { ...state, conversations: { items, olderExist: event.olderExist, problem: null } };
    }
    case "chat/conversationsFailed":
      return { ...state, conversations: { ...state.conversations, problem: event.problem } };
    case "chat/conversationsToggled":
      return { ...state, conversationsOpen: !state.conversationsOpen };
  }
}

/** Whether a turn is under way, so that no other may start. */
export function isBusy(state: ChatState): boolean {
  return state.turn?.status === "waiting" || state.turn?.status === "streaming";
}

/**
 * What would be lost when the session ends because the server refused the request for `path`:
 * the draft, and the message that this very request was to send.
 */
export function unsentText(state: ChatState, path: string): string {
  const refused = path.endsWith("/chat/stream") ? (state.turn?.message ?? "") : "";
  return [refused, state.draft].filter((text) => text.trim() !== "").join("\n");
}

function streamed(state: ChatState, turn: Turn, event: StreamEvent): ChatState {
  switch (event.type) {
    case "start":
      return { ...state, conversationId: event.conversationId };
    case "delta":
      return { ...state, turn: { ...turn, status: "streaming", answer: turn.answer + event.text } };
    case "tool_call":
      return { ...state, turn: { ...turn, status: "streaming", toolCalls: [...turn.toolCalls, event.call] } };
    case "tool_result": {
      const toolCalls = turn.toolCalls.map((call) =>
        call.id === event.id ? { ...call, outcome: event.outcome } : call,
      );
      return { ...state, turn: { ...turn, toolCalls } };
    }
    case "done":
      return {
        ...state,
        conversationId: event.conversationId,
        entries: [
          ...state.entries,
          { key: `${turn.key}-user`, role: "user", text: turn.message, toolCalls: [] },
          { key: `${turn.key}-assistant`, role: "assistant", text: event.response, toolCalls: event.toolCalls },
        ],
        turn: null,
      };
  }
}

function cleared(state: ChatState): ChatState {
  return { ...state, entries: [], turn: null, history: { status: "ready", problem: null }, conversationsOpen: false };
}

function settled(messages: Message[]): Pick<ChatState, "entries" | "turn"> {
  const last = messages.at(-1);
  if (last?.role !== "user" || last.idempotency_key === null)
    return { entries: messages.flatMap(entriesOf), turn: null };
  return {
    entries: messages.slice(0, -1).flatMap(entriesOf),
    turn: {
      key: last.idempotency_key,
      message: last.content,
      answer: "",
      toolCalls: last.tool_calls,
      status: "failed",
      problem: { ...UNANSWERED, ...last.failure },
    },
  };
}

/** A message that got no answer is followed by why, and by what was done for it all the same. */
function entriesOf({ id, role, content, tool_calls, failure }: Message): Entry[] {
  const key = String(id);
  if (role === "assistant" || (tool_calls.length === 0 && failure == null))
    return [{ key, role, text: content, toolCalls: tool_calls }];
  const text = failure?.message ?? UNANSWERED.message;
  return [
    { key, role, text: content, toolCalls: [] },
    { key: `${key}-failure`, role: "assistant", text, toolCalls: tool_calls },
  ];
}

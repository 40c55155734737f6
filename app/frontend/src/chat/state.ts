/**
 * One conversation as data: its turns, of which at most one is under way, and the list of the others.
 * A failed turn stays where it is, with its key, until it is tried again or given up.
 */
import type { Problem } from "../api/problem.ts";
import type { Conversation, ConversationId, Message, StreamEvent } from "../api/types.ts";
import {
  type Conversations,
  initialConversations,
  type Page,
  searchedFor,
  withNewest,
  without,
  withOlder,
  withRenamed,
} from "./conversations.ts";
import { isUnderWay, merged, sentTurn, streamed, type Turn, turnsOf, unsentTurn } from "./turns.ts";

/** A message of which the server has not said that it is stored. */
export interface Unsent {
  key: string;
  message: string;
  /** Null for one that begins a conversation. */
  conversationId: ConversationId | null;
}

/** What a reload must not lose: the open conversation, and what is not known to be stored. */
export interface Place {
  conversationId: ConversationId | null;
  unsent: Unsent[];
}

export interface ChatState extends Place {
  /** What is typed and not sent yet. */
  draft: string;
  /** Oldest first. */
  turns: Turn[];
  history: { status: "ready" | "loading" | "failed"; problem: Problem | null };
  conversations: Conversations;
  /** Whether the list of conversations is shown where the screen is too narrow to show it always. */
  conversationsOpen: boolean;
}

export type ChatEvent =
  | { type: "chat/drafted"; text: string }
  | { type: "chat/sent"; key: string; message: string }
  | { type: "chat/streamed"; key: string; event: StreamEvent }
  | { type: "chat/failed"; key: string; problem: Problem; conversationId: ConversationId | null }
  | { type: "chat/stopAsked"; key: string }
  | { type: "chat/stopFailed"; key: string; problem: Problem }
  /** The failed message goes back to the field, to be changed before it is sent as a new one. */
  | { type: "chat/takenBack"; key: string }
  | { type: "chat/conversationStarted" }
  /** After a reload: what was open before, and what was not sent. */
  | { type: "chat/resumed"; place: Place }
  | { type: "chat/conversationOpened"; id: ConversationId }
  | { type: "chat/historyLoaded"; id: ConversationId; messages: Message[] }
  /** What became of the turns from the oldest one on that is answered elsewhere. */
  | { type: "chat/followed"; id: ConversationId; messages: Message[] }
  | { type: "chat/historyFailed"; id: ConversationId; problem: Problem }
  | ({ type: "chat/conversationsLoaded" } & Page)
  | ({ type: "chat/olderConversationsLoaded" } & Page)
  | { type: "chat/conversationsFailed"; problem: Problem }
  | { type: "chat/conversationsSearched"; query: string }
  | { type: "chat/conversationOpenedFor"; id: ConversationId; as: "rename" | "confirm-delete" }
  | { type: "chat/conversationClosed" }
  | { type: "chat/conversationRenamed"; conversation: Conversation }
  | { type: "chat/conversationDeleted"; id: ConversationId }
  | { type: "chat/conversationsToggled" };

export const initialChat: ChatState = {
  conversationId: null,
  unsent: [],
  draft: "",
  turns: [],
  history: { status: "ready", problem: null },
  conversations: initialConversations,
  conversationsOpen: false,
};

export function reduceChat(state: ChatState, event: ChatEvent): ChatState {
  switch (event.type) {
    case "chat/drafted":
      return { ...state, draft: event.text };
    case "chat/sent":
      return sent(state, event.key, event.message);
    case "chat/streamed":
      return ofTurn(stored(state, event.key, event.event), event.key, (turn) => streamed(turn, event.event));
    case "chat/failed": {
      if (turnOf(state, event.key) === undefined) return state;
      const known = event.conversationId === null ? state : { ...state, conversationId: event.conversationId };
      const kept = event.conversationId === null ? known : withoutUnsent(known, event.key);
      return ofTurn(kept, event.key, (turn) => ({ ...turn, status: "failed", problem: event.problem }));
    }
    case "chat/stopAsked":
      return ofTurn(state, event.key, (turn) => ({ ...turn, status: "stopping", problem: null }));
    case "chat/stopFailed":
      return ofTurn(state, event.key, (turn) =>
        turn.status === "stopping" ? { ...turn, status: "answering", problem: event.problem } : turn,
      );
    case "chat/takenBack":
      return takenBack(state, event.key);
    case "chat/conversationStarted":
      return { ...cleared(state), conversationId: null };
    case "chat/resumed":
      return { ...state, ...event.place, turns: unsentTurns(event.place.unsent, event.place.conversationId) };
    case "chat/conversationOpened":
      return { ...cleared(state), conversationId: event.id, history: { status: "loading", problem: null } };
    case "chat/historyLoaded":
      return event.id === state.conversationId ? historyLoaded(state, turnsOf(event.messages)) : state;
    case "chat/followed":
      if (event.id !== state.conversationId) return state;
      return { ...state, turns: merged(state.turns, turnsOf(event.messages), (turn) => !isStopping(state, turn)) };
    case "chat/historyFailed":
      if (event.id !== state.conversationId) return state;
      return { ...state, history: { status: "failed", problem: event.problem } };
    case "chat/conversationsLoaded":
      return { ...state, conversations: withNewest(state.conversations, event) };
    case "chat/olderConversationsLoaded":
      return { ...state, conversations: withOlder(state.conversations, event) };
    case "chat/conversationsFailed":
      return { ...state, conversations: { ...state.conversations, problem: event.problem } };
    case "chat/conversationsSearched":
      return { ...state, conversations: searchedFor(state.conversations, event.query) };
    case "chat/conversationOpenedFor":
      return { ...state, conversations: { ...state.conversations, open: { id: event.id, as: event.as } } };
    case "chat/conversationClosed":
      return { ...state, conversations: { ...state.conversations, open: null } };
    case "chat/conversationRenamed":
      return { ...state, conversations: withRenamed(state.conversations, event.conversation) };
    case "chat/conversationDeleted": {
      const left = event.id === state.conversationId ? { ...cleared(state), conversationId: null } : state;
      const unsent = left.unsent.filter(({ conversationId }) => conversationId !== event.id);
      return { ...left, unsent, conversations: without(state.conversations, event.id) };
    }
    case "chat/conversationsToggled":
      return { ...state, conversationsOpen: !state.conversationsOpen };
  }
}

/** The turn under way; undefined when there is none, so that another may start. */
export function turnUnderWay(state: ChatState): Turn | undefined {
  return state.turns.find(isUnderWay);
}

export function turnOf(state: ChatState, key: string): Turn | undefined {
  return state.turns.find((turn) => turn.key === key);
}

/**
 * What would be lost when the session ends because the server refused the request for `path`:
 * the draft, and the message that this very request was to send.
 */
export function unsentText(state: ChatState, path: string): string {
  const refused = path.endsWith("/chat/stream") ? (turnUnderWay(state)?.message ?? "") : "";
  return [refused, state.draft].filter((text) => text.trim() !== "").join("\n");
}

/** What the tab keeps of the conversation; a message that went back to the field is not in it. */
export function placeOf({ conversationId, unsent }: Place, backInField?: string): Place {
  return { conversationId, unsent: unsent.filter(({ key }) => key !== backInField) };
}

function sent(state: ChatState, key: string, message: string): ChatState {
  const draft = state.draft.trim() === message ? "" : state.draft;
  if (turnOf(state, key) !== undefined) return ofTurn({ ...state, draft }, key, () => sentTurn(key, message));
  return {
    ...state,
    draft,
    unsent: [...state.unsent, { key, message, conversationId: state.conversationId }],
    turns: [...state.turns, sentTurn(key, message)],
  };
}

/** An event that names the conversation says that the message is stored there. */
function stored(state: ChatState, key: string, event: StreamEvent): ChatState {
  if (turnOf(state, key) === undefined || (event.type !== "start" && event.type !== "done")) return state;
  const { conversationId } = event;
  // What failed before it began this conversation belongs to it now.
  const unsent = state.unsent.map((each) => (each.conversationId === null ? { ...each, conversationId } : each));
  return withoutUnsent({ ...state, conversationId, unsent }, key);
}

function historyLoaded(state: ChatState, loaded: Turn[]): ChatState {
  const known = new Set(loaded.map(({ key }) => key));
  const unsent = state.unsent.filter(({ key }) => !known.has(key) || turnOf(state, key)?.status === "sending");
  const sentMeanwhile = merged(loaded, state.turns, ({ status }) => status !== "failed");
  const turns = merged(sentMeanwhile, unsentTurns(unsent, state.conversationId), () => false);
  return { ...state, turns, unsent, history: { status: "ready", problem: null } };
}

function unsentTurns(unsent: Unsent[], id: ConversationId | null): Turn[] {
  return unsent
    .filter(({ conversationId }) => conversationId === id)
    .map(({ key, message }) => unsentTurn(key, message));
}

function takenBack(state: ChatState, key: string): ChatState {
  const message = turnOf(state, key)?.message ?? "";
  const draft = [message, state.draft].filter((text) => text.trim() !== "").join("\n");
  return { ...withoutUnsent(state, key), draft, turns: state.turns.filter((turn) => turn.key !== key) };
}

/** Whether the person asked to stop this turn, of which the server says that it is still answered. */
function isStopping(state: ChatState, { key, status }: Turn): boolean {
  return status === "answering" && turnOf(state, key)?.status === "stopping";
}

function ofTurn(state: ChatState, key: string, change: (turn: Turn) => Turn): ChatState {
  if (turnOf(state, key) === undefined) return state;
  return { ...state, turns: state.turns.map((turn) => (turn.key === key ? change(turn) : turn)) };
}

function withoutUnsent(state: ChatState, key: string): ChatState {
  return { ...state, unsent: state.unsent.filter((each) => each.key !== key) };
}

/** Nothing of a conversation. What would have begun one is given up with it. */
function cleared(state: ChatState): ChatState {
  return {
    ...state,
    unsent: state.unsent.filter(({ conversationId }) => conversationId !== null),
    turns: [],
    history: { status: "ready", problem: null },
    conversationsOpen: false,
  };
}

import { type Api, CONVERSATIONS_PER_PAGE } from "../api/client.ts";
import { ApiError } from "../api/errors.ts";
import { problemOf } from "../api/problem.ts";
import type { Conversation, ConversationId, Session } from "../api/types.ts";
import { newKey } from "../key.ts";
import { type ChatEvent, type ChatState, isBusy } from "./state.ts";

/** What a person can do in the chat. Nothing here throws: failures become events. */
export interface ChatActions {
  send: (message: string) => Promise<void>;
  /** Sends the failed turn again under its old key. */
  retry: () => Promise<void>;
  startConversation: () => void;
  openConversation: (id: ConversationId) => Promise<void>;
  loadConversations: () => Promise<void>;
  loadOlderConversations: () => Promise<void>;
  /** Stops listening to a running answer. The server finishes and stores it all the same. */
  leave: () => void;
}

export interface ChatPort {
  api: Api;
  session: Session;
  state: () => ChatState;
  dispatch: (event: ChatEvent) => void;
  /** Called when a tool may have changed the tasks. */
  tasksMayHaveChanged: () => void;
}

export function chatActions({ api, session, state, dispatch, tasksMayHaveChanged }: ChatPort): ChatActions {
  let running: AbortController | null = null;

  async function run(key: string, message: string): Promise<void> {
    const controller = new AbortController();
    running = controller;
    const request = { message, conversationId: state().conversationId, idempotencyKey: key };
    dispatch({ type: "chat/sent", key, message });
    try {
      for await (const event of api.chat(session, request, controller.signal)) {
        dispatch({ type: "chat/streamed", key, event });
        if (event.type === "tool_result") tasksMayHaveChanged();
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      dispatch({ type: "chat/failed", key, problem: problemOf(error), conversationId: conversationOf(error) });
    }
    tasksMayHaveChanged();
    await loadConversations();
  }

  async function page(
    before: Conversation | undefined,
    type: "chat/conversationsLoaded" | "chat/olderConversationsLoaded",
  ) {
    try {
      const conversations = await api.listConversations(session, before?.id);
      dispatch({ type, conversations, olderExist: conversations.length === CONVERSATIONS_PER_PAGE });
    } catch (error) {
      dispatch({ type: "chat/conversationsFailed", problem: problemOf(error) });
    }
  }

  const loadConversations = () => page(undefined, "chat/conversationsLoaded");
  const leave = () => running?.abort();

  return {
    async send(message) {
      if (!isBusy(state())) await run(newKey(), message);
    },
    async retry() {
      const { turn } = state();
      if (turn?.status === "failed") await run(turn.key, turn.message);
    },
    startConversation() {
      leave();
      dispatch({ type: "chat/conversationStarted" });
    },
    async openConversation(id) {
      leave();
      dispatch({ type: "chat/conversationOpened", id });
      try {
        dispatch({ type: "chat/historyLoaded", id, messages: await api.listMessages(session, id) });
      } catch (error) {
        dispatch({ type: "chat/historyFailed", id, problem: problemOf(error) });
      }
    },
    loadConversations,
    loadOlderConversations: () => page(state().conversations.items.at(-1), "chat/olderConversationsLoaded"),
    leave,
  };
}

/** The conversation that a failed turn was stored in, when the server named it. */
function conversationOf(error: unknown): ConversationId | null {
  const id = error instanceof ApiError ? error.details["conversation_id"] : null;
  return typeof id === "number" ? id : null;
}

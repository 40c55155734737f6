import { type Api, CONVERSATIONS_PER_PAGE } from "../api/client.ts";
import { ApiError } from "../api/errors.ts";
import { problemOf } from "../api/problem.ts";
import type { Conversation, ConversationId, Message, Session } from "../api/types.ts";
import { newKey } from "../key.ts";
import { type ChatEvent, type ChatState, type Place, turnOf, turnUnderWay } from "./state.ts";

/** Pause between two questions after a turn that is answered elsewhere. */
export const FOLLOW_PAUSE_MS = 1000;
/** Pause in typing after which a search is sent. */
export const SEARCH_PAUSE_MS = 250;

/** What a person can do in the chat. Nothing here throws: failures become events. */
export interface ChatActions {
  send: (message: string) => Promise<void>;
  /** Sends a failed turn again under its old key. */
  retry: (key: string) => Promise<void>;
  /** Ends the turn under way, in the server too. */
  stop: () => Promise<void>;
  startConversation: () => void;
  openConversation: (id: ConversationId) => Promise<void>;
  /** Goes on where the page was left before a reload. */
  resume: (place: Place) => Promise<void>;
  renameConversation: (id: ConversationId, title: string) => Promise<void>;
  deleteConversation: (id: ConversationId) => Promise<void>;
  /** Lists the conversations with this text, all of them for an empty one. */
  searchConversations: (query: string) => Promise<void>;
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

  /** Asks after the turns from message `after` on, until none of them is answered any more. */
  async function follow(id: ConversationId, after: number): Promise<void> {
    const controller = new AbortController();
    running = controller;
    for (let turn = turnUnderWay(state()); turn !== undefined; turn = turnUnderWay(state())) {
      await pause(FOLLOW_PAUSE_MS);
      if (controller.signal.aborted) return;
      try {
        dispatch({ type: "chat/followed", id, messages: await api.listMessages(session, id, after) });
      } catch (error) {
        // A second try under the key gets the answer that is stored meanwhile, and does nothing twice.
        dispatch({ type: "chat/failed", key: turn.key, problem: problemOf(error), conversationId: id });
      }
    }
    tasksMayHaveChanged();
    await loadConversations();
  }

  async function page(type: "chat/conversationsLoaded" | "chat/olderConversationsLoaded", before?: Conversation) {
    const { query } = state().conversations;
    try {
      const conversations = await api.listConversations(session, { before: before?.id, search: query });
      dispatch({ type, query, conversations, olderExist: conversations.length === CONVERSATIONS_PER_PAGE });
    } catch (error) {
      dispatch({ type: "chat/conversationsFailed", problem: problemOf(error) });
    }
  }

  const loadConversations = () => page("chat/conversationsLoaded");
  const leave = () => running?.abort();

  function startConversation(): void {
    leave();
    dispatch({ type: "chat/conversationStarted" });
  }

  async function load(id: ConversationId): Promise<void> {
    let messages: Message[];
    try {
      messages = await api.listMessages(session, id);
    } catch (error) {
      dispatch({ type: "chat/historyFailed", id, problem: problemOf(error) });
      return;
    }
    // A message that was sent meanwhile has its own stream.
    const ownTurn = turnUnderWay(state());
    dispatch({ type: "chat/historyLoaded", id, messages });
    const answered = messages.find(({ answering }) => answering);
    if (answered !== undefined && ownTurn === undefined && state().conversationId === id) {
      await follow(id, answered.id - 1);
    }
  }

  return {
    async send(message) {
      if (turnUnderWay(state()) === undefined) await run(newKey(), message);
    },
    async retry(key) {
      const turn = turnOf(state(), key);
      if (turn?.status !== "failed" || turn.message === null || turnUnderWay(state()) !== undefined) return;
      await run(key, turn.message);
    },
    async stop() {
      const turn = turnUnderWay(state());
      if (turn?.status !== "answering") return;
      dispatch({ type: "chat/stopAsked", key: turn.key });
      try {
        await api.stopTurn(session, turn.key);
      } catch (error) {
        dispatch({ type: "chat/stopFailed", key: turn.key, problem: problemOf(error) });
      }
    },
    startConversation,
    async openConversation(id) {
      leave();
      dispatch({ type: "chat/conversationOpened", id });
      await load(id);
    },
    async resume(place) {
      dispatch({ type: "chat/resumed", place });
      if (place.conversationId === null) return;
      dispatch({ type: "chat/conversationOpened", id: place.conversationId });
      await load(place.conversationId);
      // It may have been deleted in another tab meanwhile.
      if (state().history.problem?.code === "conversation_not_found") startConversation();
    },
    async renameConversation(id, title) {
      try {
        dispatch({ type: "chat/conversationRenamed", conversation: await api.renameConversation(session, id, title) });
      } catch (error) {
        dispatch({ type: "chat/conversationsFailed", problem: problemOf(error) });
      }
    },
    async deleteConversation(id) {
      try {
        await api.deleteConversation(session, id);
      } catch (error) {
        if (!(error instanceof ApiError && error.code === "conversation_not_found")) {
          dispatch({ type: "chat/conversationsFailed", problem: problemOf(error) });
          return;
        }
      }
      if (state().conversationId === id) leave();
      dispatch({ type: "chat/conversationDeleted", id });
    },
    async searchConversations(query) {
      dispatch({ type: "chat/conversationsSearched", query });
      await pause(SEARCH_PAUSE_MS);
      if (state().conversations.query === query) await loadConversations();
    },
    loadConversations,
    loadOlderConversations: () => page("chat/olderConversationsLoaded", state().conversations.items.at(-1)),
    leave,
  };
}

/** The conversation that a failed turn was stored in, when the server named it. */
function conversationOf(error: unknown): ConversationId | null {
  const id = error instanceof ApiError ? error.details["conversation_id"] : null;
  return typeof id === "number" ? id : null;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

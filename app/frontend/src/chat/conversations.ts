/** The list of conversations as data: newest first, page by page, all of them or those that a search finds. */
import type { Problem } from "../api/problem.ts";
import type { Conversation, ConversationId } from "../api/types.ts";

export interface Conversations {
  items: Conversation[];
  olderExist: boolean;
  problem: Problem | null;
  /** Whether any page of what is searched for has arrived, so that an empty list means that there is nothing. */
  known: boolean;
  /** What is searched for; empty for all conversations. */
  query: string;
  /** The conversation whose form for a new name or whose question before deletion is open. */
  open: { id: ConversationId; as: "rename" | "confirm-delete" } | null;
}

/** One page of the list: what the server has for `query`, from its newest on or below an older one. */
export interface Page {
  query: string;
  conversations: Conversation[];
  olderExist: boolean;
}

export const initialConversations: Conversations = {
  items: [],
  olderExist: false,
  problem: null,
  known: false,
  query: "",
  open: null,
};

/** With the newest page anew; older pages that were loaded before stay. */
export function withNewest(list: Conversations, page: Page): Conversations {
  if (page.query !== list.query) return list;
  const oldest = page.conversations.at(-1)?.id ?? 0;
  // Without an item of both there may be some between them that nobody has loaded.
  const meets = page.olderExist && list.items.some(({ id }) => id >= oldest);
  const older = meets ? list.items.filter(({ id }) => id < oldest) : [];
  return {
    ...list,
    items: [...page.conversations, ...older],
    olderExist: older.length === 0 ? page.olderExist : list.olderExist,
    known: true,
    problem: null,
  };
}

/** With one more page at the end; a page that arrives twice adds nothing. */
export function withOlder(list: Conversations, page: Page): Conversations {
  if (page.query !== list.query) return list;
  const known = new Set(list.items.map(({ id }) => id));
  const added = page.conversations.filter(({ id }) => !known.has(id));
  // The second answer to one question says nothing of what lies below the first.
  if (added.length === 0 && page.conversations.length > 0) return { ...list, problem: null };
  return { ...list, items: [...list.items, ...added], olderExist: page.olderExist, problem: null };
}

/** What another search finds is not known yet. */
export function searchedFor(list: Conversations, query: string): Conversations {
  return query === list.query ? list : { ...initialConversations, query };
}

export function withRenamed(list: Conversations, conversation: Conversation): Conversations {
  return {
    ...list,
    items: list.items.map((item) => (item.id === conversation.id ? conversation : item)),
    problem: null,
    open: null,
  };
}

export function without(list: Conversations, id: ConversationId): Conversations {
  return { ...list, items: list.items.filter((item) => item.id !== id), problem: null, open: null };
}

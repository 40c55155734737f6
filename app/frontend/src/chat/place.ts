import * as v from "valibot";
import type { KeptText } from "../storage.ts";
import type { Place } from "./state.ts";

const KEY = "todo-chat.place";

const conversationId = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1)));
const stored = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    user_id: v.string(),
    conversationId,
    unsent: v.array(v.object({ key: v.string(), message: v.string(), conversationId })),
  }),
);

/** Keeps over a reload which conversation is open and what was not sent, in the tab only, and for nobody else. */
export interface PlaceStorage {
  /** The place of this user; null when there is none, or another user's. */
  read: (userId: string) => Place | null;
  write: (userId: string, place: Place) => void;
  clear: () => void;
}

export function placeStorageIn(storage: KeptText): PlaceStorage {
  return {
    read(userId) {
      const result = v.safeParse(stored, storage.getItem(KEY));
      if (!result.success || result.output.user_id !== userId) return null;
      return { conversationId: result.output.conversationId, unsent: result.output.unsent };
    },
    write(user_id, { conversationId, unsent }) {
      if (conversationId === null && unsent.length === 0) storage.removeItem(KEY);
      else storage.setItem(KEY, JSON.stringify({ user_id, conversationId, unsent }));
    },
    clear: () => storage.removeItem(KEY),
  };
}

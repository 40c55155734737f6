import * as v from "valibot";
import type { KeptText } from "../storage.ts";

const KEY = "todo-chat.draft";
const stored = v.pipe(v.string(), v.parseJson(), v.object({ user_id: v.string(), text: v.string() }));

/** Keeps what somebody typed while they sign in again, in the tab only, and for nobody else. */
export interface DraftStorage {
  keep: (userId: string, text: string) => void;
  /** The text of this user, once; whatever another user left is thrown away. */
  take: (userId: string) => string;
  clear: () => void;
}

export function draftStorageIn(storage: KeptText): DraftStorage {
  return {
    keep: (user_id, text) => storage.setItem(KEY, JSON.stringify({ user_id, text })),
    take(userId) {
      const result = v.safeParse(stored, storage.getItem(KEY));
      storage.removeItem(KEY);
      return result.success && result.output.user_id === userId ? result.output.text : "";
    },
    clear: () => storage.removeItem(KEY),
  };
}

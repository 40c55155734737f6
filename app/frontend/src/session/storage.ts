import * as v from "valibot";
import { type Session, sessionSchema } from "../api/types.ts";
import type { KeptText } from "../storage.ts";

const KEY = "todo-chat.session";
const stored = v.pipe(v.string(), v.parseJson(), sessionSchema);

/** Keeps the short-lived development token over a reload, in the tab only (session storage). */
export interface SessionStorage {
  read: () => Session | null;
  write: (session: Session) => void;
  clear: () => void;
}

export function sessionStorageIn(storage: KeptText): SessionStorage {
  return {
    read() {
      const result = v.safeParse(stored, storage.getItem(KEY));
      return result.success ? result.output : null;
    },
    write: (session) => storage.setItem(KEY, JSON.stringify(session)),
    clear: () => storage.removeItem(KEY),
  };
}

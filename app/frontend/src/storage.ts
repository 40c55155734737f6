/** The part of the web's storage that the page uses. */
export type KeptText = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/**
 * A storage that never throws. Where the browser blocks its own, or has no room in it, texts are kept until the page is
 * left. `open` is a function because asking for a blocked storage throws already.
 */
export function safeStorage(open: () => Storage): KeptText {
  const kept = new Map<string, string>();
  return {
    getItem(key) {
      return kept.get(key) ?? attempt(() => open().getItem(key)) ?? null;
    },
    setItem(key, value) {
      kept.delete(key);
      // What is there already must not come back in the place of what could not be stored.
      if (attempt(() => (open().setItem(key, value), true)) !== true) {
        attempt(() => open().removeItem(key));
        kept.set(key, value);
      }
    },
    removeItem(key) {
      kept.delete(key);
      attempt(() => open().removeItem(key));
    },
  };
}

function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

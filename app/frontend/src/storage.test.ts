import { beforeEach, describe, expect, it } from "@jest/globals";
import { safeStorage } from "./storage.ts";

const blocked = safeStorage(() => {
  throw new DOMException("blocked", "SecurityError");
});

describe("a safe storage", () => {
  beforeEach(() => localStorage.clear());

  it("is the browser's own where that works", () => {
    const storage = safeStorage(() => localStorage);
    storage.setItem("a", "1");
    expect(localStorage.getItem("a")).toBe("1");
    expect(safeStorage(() => localStorage).getItem("a")).toBe("1");
    storage.removeItem("a");
    expect(localStorage).toHaveLength(0);
    expect(storage.getItem("a")).toBeNull();
  });

  it("keeps texts for the page alone where that is blocked", () => {
    blocked.setItem("a", "1");
    expect(blocked.getItem("a")).toBe("1");
    blocked.removeItem("a");
    expect(blocked.getItem("a")).toBeNull();
  });

  it("does not fall back to an older text when there is no room for a newer one", () => {
    let room = true;
    const storage = safeStorage(() => ({
      length: 0,
      clear: () => undefined,
      key: () => null,
      getItem: (key) => localStorage.getItem(key),
      removeItem: (key) => localStorage.removeItem(key),
      setItem(key, value) {
        if (!room) throw new DOMException("full", "QuotaExceededError");
        localStorage.setItem(key, value);
      },
    }));
    storage.setItem("a", "old");
    room = false;
    storage.setItem("a", "new");
    expect(storage.getItem("a")).toBe("new");
    expect(localStorage.getItem("a")).toBeNull();
    room = true;
    storage.setItem("a", "newer");
    expect(storage.getItem("a")).toBe("newer");
    expect(localStorage.getItem("a")).toBe("newer");
  });
});

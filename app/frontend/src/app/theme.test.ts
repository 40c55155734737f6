import { beforeEach, describe, expect, it } from "@jest/globals";
import { nextTheme, readTheme, writeTheme } from "./theme.ts";

describe("theme", () => {
  beforeEach(() => localStorage.clear());

  it("goes from the device's setting through both and back", () => {
    expect(["system", "light", "dark"].map((theme) => nextTheme(theme as "system"))).toEqual([
      "light",
      "dark",
      "system",
    ]);
  });

  it("remembers the choice", () => {
    writeTheme(localStorage, "dark");
    expect(readTheme(localStorage)).toBe("dark");
  });

  it.each([null, "purple"])("takes %j in the storage as the device's setting", (stored) => {
    if (stored !== null) localStorage.setItem("todo-chat.theme", stored);
    expect(readTheme(localStorage)).toBe("system");
  });
});

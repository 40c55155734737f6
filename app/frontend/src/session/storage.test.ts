import { beforeEach, describe, expect, it } from "@jest/globals";
import { sessionStorageIn } from "./storage.ts";

const session = { token: "t", user_id: "ada", expires_at: "2030-01-01T00:00:00Z" };

describe("the session of the tab", () => {
  const storage = sessionStorageIn(sessionStorage);
  beforeEach(() => sessionStorage.clear());

  it("survives a reload until it is cleared", () => {
    storage.write(session);
    expect(sessionStorageIn(sessionStorage).read()).toEqual(session);
    storage.clear();
    expect(storage.read()).toBeNull();
  });

  it.each(["", "{", '{"token":1}'])("is none when the storage holds %j", (stored) => {
    sessionStorage.setItem("todo-chat.session", stored);
    expect(storage.read()).toBeNull();
  });
});

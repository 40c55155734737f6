import { beforeEach, describe, expect, it } from "@jest/globals";
import { placeStorageIn } from "./place.ts";

const place = { conversationId: 3, unsent: [{ key: "k1", message: "add tea", conversationId: null }] };

describe("the place of the tab", () => {
  const places = placeStorageIn(sessionStorage);
  beforeEach(() => sessionStorage.clear());

  it("is there after a reload for the one who left it, and for nobody else", () => {
    places.write("ada", place);
    expect(placeStorageIn(sessionStorage).read("ada")).toEqual(place);
    expect(places.read("ben")).toBeNull();
    places.clear();
    expect(places.read("ada")).toBeNull();
  });

  it("leaves nothing in the storage while there is nothing to keep", () => {
    places.write("ada", place);
    places.write("ada", { conversationId: null, unsent: [] });
    expect(sessionStorage).toHaveLength(0);
  });

  it.each(["", "{", '{"user_id":"ada","conversationId":0,"unsent":[]}', '{"user_id":"ada"}'])(
    "is none when the storage holds %j",
    (stored) => {
      sessionStorage.setItem("todo-chat.place", stored);
      expect(places.read("ada")).toBeNull();
    },
  );
});

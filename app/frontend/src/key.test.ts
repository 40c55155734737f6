import { expect, it } from "@jest/globals";
import { newKey } from "./key.ts";

it("makes a new 128-bit key each time", () => {
  expect(newKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(newKey()).not.toBe(newKey());
});

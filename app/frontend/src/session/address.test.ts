import { expect, it } from "@jest/globals";
import { signInAddress } from "./address.ts";

it.each([
  ["/", "", "/"],
  ["/a/b", "?c=d&e=%20", "/a/b?c=d&e=%20"],
  ["//evil.test/", "", "/"],
  [`/${"x".repeat(600)}`, "", "/"],
])("from %s%s back to %s", (pathname, search, next) => {
  expect(signInAddress({ pathname, search })).toBe(`/api/auth/login?next=${encodeURIComponent(next)}`);
});

import { describe, expect, it } from "@jest/globals";
import { ApiError } from "./errors.ts";
import { problemOf } from "./problem.ts";

describe("problemOf", () => {
  it.each([
    ["a broken connection", new ApiError(0, "network", "raw"), true],
    ["an overloaded server", new ApiError(503, "agent_unavailable", "The agent is away."), true],
    ["a rate limit", new ApiError(429, "rate_limited", "Too many requests."), true],
    ["a turn that is still being answered", new ApiError(409, "turn_in_progress", "Still answering."), true],
    ["too many turns at once", new ApiError(429, "too_many_turns", "Ten are being answered."), true],
    ["a quota that is used up", new ApiError(429, "quota_exceeded", "You have 5000 tasks."), false],
    ["a refused title", new ApiError(422, "validation_error", "The title is empty."), false],
    ["a missing task", new ApiError(404, "task_not_found", "No such task."), false],
    ["a fault of the page", new TypeError("x is undefined"), false],
  ])("says of %s whether another try can help", (_, error, retryable) => {
    expect(problemOf(error).retryable).toBe(retryable);
  });

  it("uses the server's own words, and its wait", () => {
    const error = new ApiError(429, "rate_limited", "Too many requests.", { requestId: "req-1", retryAfter: 30 });
    expect(problemOf(error)).toMatchObject({
      message: "Too many requests. Wait 30 s before the next try.",
      requestId: "req-1",
    });
  });

  it("names no wait for a quota, which none makes room in", () => {
    const error = new ApiError(429, "quota_exceeded", "You have 5000 tasks.", { retryAfter: 3600 });
    expect(problemOf(error).message).toBe("You have 5000 tasks.");
  });

  it("has words of its own where no server spoke, and shows none of a fault's insides", () => {
    expect(problemOf(new ApiError(0, "network", "raw")).message).toContain("could not be reached");
    expect(problemOf(new Error("secret detail")).message).not.toContain("secret");
  });
});

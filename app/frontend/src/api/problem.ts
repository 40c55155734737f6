import { ApiError } from "./errors.ts";

/** A failure as the page shows it: a sentence, and what the person can do about it. */
export interface Problem {
  code: string;
  message: string;
  requestId: string | null;
  /** Whether the same request may succeed when it is sent again. */
  retryable: boolean;
}

/** Sentences for failures that no server describes; every other code is told in the server's own words. */
const OWN_SENTENCES: Record<string, string> = {
  // The server's words for it are for programs too.
  unauthorized: "You are no longer signed in. Sign in again.",
  network: "The server could not be reached. Check the connection, then try again.",
  timeout: "The server took too long to answer. Try again.",
  bad_answer: "The server answered with something this page does not understand.",
  stream_cut: "The connection broke before the answer was complete.",
};

/** Refusals that end by themselves. */
const RETRYABLE_CODES: ReadonlySet<string> = new Set(["rate_limited", "too_many_turns", "turn_in_progress"]);

/** Any thrown value → a problem. What is not an `ApiError` is a fault of the page and says so. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof ApiError)) {
    return {
      code: "page_fault",
      message: "Something in this page failed. Reload it.",
      requestId: null,
      retryable: false,
    };
  }
  const temporary = error.status === 0 || error.status >= 500 || RETRYABLE_CODES.has(error.code);
  // A quota is not waited for: the message says how to make room.
  const waits = error.retryAfter !== null && error.code !== "quota_exceeded";
  const wait = waits ? ` Wait ${error.retryAfter} s before the next try.` : "";
  return {
    code: error.code,
    message: (OWN_SENTENCES[error.code] ?? error.message) + wait,
    requestId: error.requestId,
    retryable: temporary,
  };
}

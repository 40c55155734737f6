import type { Problem } from "../api/problem.ts";
import type { Session } from "../api/types.ts";

export type SessionState =
  | { status: "signed-out"; problem: Problem | null }
  /** The server is asked whether the browser's cookie has a session. */
  | { status: "resuming" }
  | { status: "signing-in"; userId: string }
  /** `problem`: signing out did not work. */
  | { status: "signed-in"; session: Session; problem: Problem | null };

export type SessionEvent =
  | { type: "session/signInSent"; userId: string }
  | { type: "session/resumeSent" }
  | { type: "session/signedIn"; session: Session }
  | { type: "session/signInFailed"; problem: Problem | null }
  | { type: "session/signOutFailed"; problem: Problem }
  /** The person left, or the server no longer accepts the session (`problem` says so). */
  | { type: "session/ended"; problem: Problem | null };

export const initialSession: SessionState = { status: "signed-out", problem: null };

export function reduceSession(state: SessionState, event: SessionEvent): SessionState {
  switch (event.type) {
    case "session/signInSent":
      return { status: "signing-in", userId: event.userId };
    case "session/resumeSent":
      return { status: "resuming" };
    case "session/signedIn":
      return { status: "signed-in", session: event.session, problem: null };
    case "session/signOutFailed":
      return state.status === "signed-in" ? { ...state, problem: event.problem } : state;
    case "session/signInFailed":
    case "session/ended":
      return { status: "signed-out", problem: event.problem };
  }
}

/** The session under way, if there is one. */
export function sessionOf(state: SessionState): Session | null {
  return state.status === "signed-in" ? state.session : null;
}

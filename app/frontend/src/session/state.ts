import type { Problem } from "../api/problem.ts";
import type { Session } from "../api/types.ts";

export type SessionState =
  | { status: "signed-out"; problem: Problem | null }
  | { status: "signing-in"; userId: string }
  | { status: "signed-in"; session: Session };

export type SessionEvent =
  | { type: "session/signInSent"; userId: string }
  | { type: "session/signedIn"; session: Session }
  | { type: "session/signInFailed"; problem: Problem }
  /** The person left, or the server no longer accepts the token (`problem` says so). */
  | { type: "session/ended"; problem: Problem | null };

export const initialSession: SessionState = { status: "signed-out", problem: null };

export function reduceSession(_state: SessionState, event: SessionEvent): SessionState {
  switch (event.type) {
    case "session/signInSent":
      return { status: "signing-in", userId: event.userId };
    case "session/signedIn":
      return { status: "signed-in", session: event.session };
    case "session/signInFailed":
    case "session/ended":
      return { status: "signed-out", problem: event.problem };
  }
}

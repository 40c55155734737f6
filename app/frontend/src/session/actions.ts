import type { Api } from "../api/client.ts";
import { ApiError } from "../api/errors.ts";
import { problemOf } from "../api/problem.ts";
import type { Session } from "../api/types.ts";
import type { SessionEvent } from "./state.ts";
import type { SessionStorage } from "./storage.ts";

export interface SessionActions {
  /** The development login. */
  signIn: (userId: string) => Promise<void>;
  signOut: (session: Session, where: "here" | "everywhere") => Promise<void>;
  /** Takes up the development session that a reload left behind, if there is one. */
  resume: () => void;
  /** Takes up the session of the browser's cookie, if it has one. */
  resumeBrowser: () => Promise<void>;
}

export interface SessionPort {
  api: Api;
  storage: SessionStorage;
  dispatch: (event: SessionEvent) => void;
}

export function sessionActions({ api, storage, dispatch }: SessionPort): SessionActions {
  return {
    async signIn(userId) {
      dispatch({ type: "session/signInSent", userId });
      try {
        const session = await api.login(userId);
        storage.write(session);
        dispatch({ type: "session/signedIn", session });
      } catch (error) {
        dispatch({ type: "session/signInFailed", problem: problemOf(error) });
      }
    },
    async signOut(session, where) {
      try {
        if (session.token === null) await api.signOut(where);
      } catch (error) {
        // Only the server can end such a session: until it did, the person is signed in.
        if (!isRefusal(error)) {
          dispatch({ type: "session/signOutFailed", problem: problemOf(error) });
          return;
        }
      }
      storage.clear();
      dispatch({ type: "session/ended", problem: null });
    },
    resume() {
      const session = storage.read();
      if (session !== null) dispatch({ type: "session/signedIn", session });
    },
    async resumeBrowser() {
      dispatch({ type: "session/resumeSent" });
      try {
        dispatch({ type: "session/signedIn", session: await api.browserSession() });
      } catch (error) {
        // Whoever was never signed in need not be told that they are not.
        const problem = isRefusal(error) && error.code === "unauthorized" ? null : problemOf(error);
        dispatch({ type: "session/signInFailed", problem });
      }
    },
  };
}

function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 401;
}

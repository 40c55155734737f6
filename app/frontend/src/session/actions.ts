import type { Api } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import type { SessionEvent } from "./state.ts";
import type { SessionStorage } from "./storage.ts";

export interface SessionActions {
  signIn: (userId: string) => Promise<void>;
  signOut: () => void;
  /** Takes up the session that a reload left behind, if there is one. */
  resume: () => void;
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
    signOut() {
      storage.clear();
      dispatch({ type: "session/ended", problem: null });
    },
    resume() {
      const session = storage.read();
      if (session !== null) dispatch({ type: "session/signedIn", session });
    },
  };
}

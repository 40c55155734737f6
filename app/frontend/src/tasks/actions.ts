import type { Api, TaskDraft, TaskPatch } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import type { Session, Task, TaskId } from "../api/types.ts";
import { newKey } from "../key.ts";
import type { Operation, TasksEvent, TasksState } from "./state.ts";

/** What a person can do with the list. Nothing here throws: failures become events. */
export interface TasksActions {
  load: () => Promise<void>;
  add: (draft: TaskDraft) => Promise<void>;
  change: (id: TaskId, patch: TaskPatch) => Promise<void>;
  remove: (id: TaskId) => Promise<void>;
  /** Sends a failed operation again. */
  retry: (operation: Operation) => Promise<void>;
}

export interface TasksPort {
  api: Api;
  session: Session;
  state: () => TasksState;
  dispatch: (event: TasksEvent) => void;
}

export function tasksActions({ api, session, state, dispatch }: TasksPort): TasksActions {
  async function send(operation: Operation): Promise<void> {
    dispatch({ type: "tasks/sent", operation });
    try {
      dispatch({ type: "tasks/confirmed", operation, task: await execute(operation) });
    } catch (error) {
      dispatch({ type: "tasks/rejected", operation, problem: problemOf(error) });
      // The change may have arrived although its answer did not: show what the server has before a second try.
      await load();
    }
  }

  async function load(): Promise<void> {
    dispatch({ type: "tasks/loadStarted" });
    const { number } = state().load;
    try {
      dispatch({ type: "tasks/loaded", number, tasks: await api.listTasks(session) });
    } catch (error) {
      dispatch({ type: "tasks/loadFailed", number, problem: problemOf(error) });
    }
  }

  async function execute(operation: Operation): Promise<Task | null> {
    switch (operation.kind) {
      case "create":
        return api.createTask(session, operation.draft);
      case "update":
        return api.updateTask(session, operation.id, operation.patch);
      case "delete":
        await api.deleteTask(session, operation.id);
        return null;
    }
  }

  return {
    load,
    add: (draft) => send({ kind: "create", key: newKey(), draft }),
    change: (id, patch) => send({ kind: "update", id, patch }),
    remove: (id) => send({ kind: "delete", id }),
    retry: send,
  };
}

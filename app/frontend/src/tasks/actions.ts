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
  /** Takes a task out of the trash. */
  restore: (task: { id: TaskId; title: string }) => Promise<void>;
  /** Shows or hides the trash; it is loaded each time that it is shown. */
  showTrash: (open: boolean) => Promise<void>;
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
      if (state().trash.open) await loadTrash();
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

  async function loadTrash(): Promise<void> {
    try {
      dispatch({ type: "tasks/trashLoaded", tasks: await api.listTasks(session, "deleted") });
    } catch (error) {
      dispatch({ type: "tasks/trashFailed", problem: problemOf(error) });
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
      case "restore":
        return api.restoreTask(session, operation.id);
    }
  }

  return {
    load,
    add: (draft) => send({ kind: "create", key: newKey(), draft }),
    change: (id, patch) => send({ kind: "update", id, patch }),
    remove: (id) => send({ kind: "delete", id }),
    restore: ({ id, title }) => send({ kind: "restore", id, title }),
    async showTrash(open) {
      dispatch({ type: "tasks/trashToggled", open });
      if (open) await loadTrash();
    },
    retry: send,
  };
}

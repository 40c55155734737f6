/**
 * The task list as data: what the server confirmed, and on top of it the changes that are on their way.
 * A change shows at once; when it fails it is taken back, and the problem remembers how to try again.
 */
import type { TaskDraft, TaskPatch } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import type { Task, TaskId } from "../api/types.ts";

export const FILTERS = ["all", "pending", "completed"] as const;
export type Filter = (typeof FILTERS)[number];

/** One change of the list. `key` names a created task until the server gives it an id. */
export type Operation =
  | { kind: "create"; key: string; draft: TaskDraft }
  | { kind: "update"; id: TaskId; patch: TaskPatch }
  | { kind: "delete"; id: TaskId }
  | { kind: "restore"; id: TaskId; title: string };

/** A change that the server made, with the task as it then was; null for a deleted one. */
interface Confirmed {
  operation: Operation;
  task: Task | null;
}

export interface TasksState {
  /** As the server last told; newest first. */
  confirmed: Task[];
  /** Changes on their way, oldest first. */
  inFlight: Operation[];
  /**
   * Number of the newest load; answers of older ones are dropped. Its own answer may be older than the changes that were
   * confirmed since it started, so these are applied to it.
   */
  load: { number: number; problem: Problem | null; confirmedSince: Confirmed[] };
  /** Whether any load has succeeded, so that an empty list means that there are no tasks. */
  known: boolean;
  filter: Filter;
  /** The task whose edit form or whose question before deletion is open. */
  open: { id: TaskId; as: "edit" | "confirm-delete" } | null;
  /** The last change that failed. */
  failed: { operation: Operation; problem: Problem } | null;
  /** The task that was deleted last, for as long as undoing that is offered. */
  deleted: { id: TaskId; title: string } | null;
  trash: Trash;
}

/** What was deleted in the last 30 days; null while it is not shown or not known. */
export interface Trash {
  open: boolean;
  tasks: Task[] | null;
  problem: Problem | null;
}

export type TasksEvent =
  | { type: "tasks/loadStarted" }
  | { type: "tasks/loaded"; number: number; tasks: Task[] }
  | { type: "tasks/loadFailed"; number: number; problem: Problem }
  | { type: "tasks/sent"; operation: Operation }
  | { type: "tasks/confirmed"; operation: Operation; task: Task | null }
  | { type: "tasks/rejected"; operation: Operation; problem: Problem }
  | { type: "tasks/problemDismissed" }
  | { type: "tasks/undoDismissed" }
  | { type: "tasks/trashToggled"; open: boolean }
  | { type: "tasks/trashLoaded"; tasks: Task[] }
  | { type: "tasks/trashFailed"; problem: Problem }
  | { type: "tasks/filterChosen"; filter: Filter }
  | { type: "tasks/opened"; id: TaskId; as: "edit" | "confirm-delete" }
  | { type: "tasks/closed" };

export const initialTasks: TasksState = {
  confirmed: [],
  inFlight: [],
  load: { number: 0, problem: null, confirmedSince: [] },
  known: false,
  filter: "all",
  open: null,
  failed: null,
  deleted: null,
  trash: { open: false, tasks: null, problem: null },
};

export function reduceTasks(state: TasksState, event: TasksEvent): TasksState {
  switch (event.type) {
    case "tasks/loadStarted":
      return { ...state, load: { number: state.load.number + 1, problem: null, confirmedSince: [] } };
    case "tasks/loaded":
      if (event.number !== state.load.number) return state;
      return {
        ...state,
        confirmed: state.load.confirmedSince.reduce(confirmUnlessNewer, event.tasks).toSorted(newestFirst),
        load: { ...state.load, problem: null },
        known: true,
      };
    case "tasks/loadFailed":
      if (event.number !== state.load.number) return state;
      return { ...state, load: { ...state.load, problem: event.problem } };
    case "tasks/sent":
      return { ...state, inFlight: [...state.inFlight, event.operation], failed: null, open: null, deleted: null };
    case "tasks/confirmed":
      return {
        ...state,
        confirmed: confirm(state.confirmed, event),
        load: { ...state.load, confirmedSince: [...state.load.confirmedSince, event] },
        inFlight: without(state.inFlight, event.operation),
        deleted: deletedBy(state, event.operation),
      };
    case "tasks/rejected":
      return {
        ...state,
        inFlight: without(state.inFlight, event.operation),
        failed: { operation: event.operation, problem: event.problem },
      };
    case "tasks/problemDismissed":
      return { ...state, failed: null };
    case "tasks/undoDismissed":
      return { ...state, deleted: null };
    case "tasks/trashToggled":
      return { ...state, trash: { open: event.open, tasks: null, problem: null } };
    case "tasks/trashLoaded":
      return { ...state, trash: { ...state.trash, tasks: event.tasks, problem: null } };
    case "tasks/trashFailed":
      return { ...state, trash: { ...state.trash, problem: event.problem } };
    case "tasks/filterChosen":
      return { ...state, filter: event.filter, open: null };
    case "tasks/opened":
      return { ...state, open: { id: event.id, as: event.as } };
    case "tasks/closed":
      return { ...state, open: null };
  }
}

/** A row of the list. `id` is null while the server has not confirmed the task. */
export interface Row {
  key: string;
  id: TaskId | null;
  title: string;
  description: string;
  completed: boolean;
  saving: boolean;
}

/** Every row, changes on their way applied, before filtering. */
export function rows(state: TasksState): Row[] {
  const created: Row[] = state.inFlight
    .filter((operation) => operation.kind === "create")
    .map(({ key, draft }) => ({ key, id: null, ...draft, completed: false, saving: true }));
  const known = state.confirmed.map((task) => rowOf(task, state.inFlight)).filter((row) => row !== null);
  return [...created.reverse(), ...known];
}

/** Null for a task whose deletion is on its way. */
function rowOf({ id, title, description, completed }: Task, inFlight: Operation[]): Row | null {
  let row: Row = { key: String(id), id, title, description, completed, saving: false };
  for (const operation of inFlight) {
    if (operation.kind === "create" || operation.id !== id) continue;
    if (operation.kind === "delete") return null;
    if (operation.kind === "update") row = { ...row, ...operation.patch, saving: true };
  }
  return row;
}

export function visibleRows(state: TasksState): Row[] {
  return rows(state).filter((row) => matches(row, state.filter));
}

export function counts(state: TasksState): Record<Filter, number> {
  const all = rows(state);
  const completed = all.filter((row) => row.completed).length;
  return { all: all.length, pending: all.length - completed, completed };
}

export function matches(row: Pick<Row, "completed">, filter: Filter): boolean {
  return filter === "all" || row.completed === (filter === "completed");
}

function confirmUnlessNewer(tasks: Task[], change: Confirmed): Task[] {
  const loaded = tasks.find(({ id }) => id === change.task?.id);
  return loaded !== undefined && change.task !== null && loaded.updated_at > change.task.updated_at
    ? tasks
    : confirm(tasks, change);
}

function confirm(tasks: Task[], { operation, task }: Confirmed): Task[] {
  if (operation.kind === "delete") return tasks.filter(({ id }) => id !== operation.id);
  if (task === null) return tasks;
  return [task, ...tasks.filter(({ id }) => id !== task.id)].toSorted(newestFirst);
}

/** What undo is offered for once the operation is confirmed. */
function deletedBy(state: TasksState, operation: Operation): TasksState["deleted"] {
  if (operation.kind !== "delete") return state.deleted;
  const task = state.confirmed.find(({ id }) => id === operation.id);
  return task === undefined ? state.deleted : { id: task.id, title: task.title };
}

function without(operations: Operation[], operation: Operation): Operation[] {
  return operations.filter((other) => other !== operation);
}

function newestFirst(a: Task, b: Task): number {
  return b.created_at.localeCompare(a.created_at) || b.id - a.id;
}

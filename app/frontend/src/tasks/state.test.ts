import { describe, expect, it } from "@jest/globals";
import type { Problem } from "../api/problem.ts";
import type { Task } from "../api/types.ts";
import {
  counts,
  initialTasks,
  type Operation,
  reduceTasks,
  rows,
  type TasksEvent,
  type TasksState,
  visibleRows,
} from "./state.ts";

const problem: Problem = { code: "network", message: "no", requestId: null, retryable: true };

function task(id: number, title: string, more: Partial<Task> = {}): Task {
  const time = `2026-01-01T00:00:${String(id).padStart(2, "0")}Z`;
  return { id, title, description: "", completed: false, created_at: time, updated_at: time, ...more };
}

const play = (state: TasksState, ...events: TasksEvent[]) => events.reduce(reduceTasks, state);
const titles = (state: TasksState) => visibleRows(state).map(({ title }) => title);

const loaded = play(
  initialTasks,
  { type: "tasks/loadStarted" },
  { type: "tasks/loaded", number: 1, tasks: [task(1, "tea"), task(2, "milk", { completed: true })] },
);
const create: Operation = { kind: "create", key: "k", draft: { title: "bread", description: "rye" } };
const complete: Operation = { kind: "update", id: 1, patch: { completed: true } };
const remove: Operation = { kind: "delete", id: 1 };

describe("loading", () => {
  it("shows the newest first", () => {
    expect(titles(loaded)).toEqual(["milk", "tea"]);
    expect(loaded.known).toBe(true);
  });

  it("orders tasks of one instant by their id", () => {
    const created_at = "2026-01-01T00:00:00Z";
    const tasks = [task(7, "first", { created_at }), task(8, "second", { created_at })];
    const state = play(initialTasks, { type: "tasks/loadStarted" }, { type: "tasks/loaded", number: 1, tasks });
    expect(titles(state)).toEqual(["second", "first"]);
  });

  it("drops the answer of an older load", () => {
    const twice = play(loaded, { type: "tasks/loadStarted" }, { type: "tasks/loadStarted" });
    expect(reduceTasks(twice, { type: "tasks/loaded", number: 2, tasks: [] })).toBe(twice);
    expect(reduceTasks(twice, { type: "tasks/loadFailed", number: 2, problem })).toBe(twice);
    expect(titles(reduceTasks(twice, { type: "tasks/loaded", number: 3, tasks: [] }))).toEqual([]);
  });

  it("does not bring back what was deleted, created or changed while it was under way", () => {
    const state = play(
      loaded,
      { type: "tasks/loadStarted" },
      { type: "tasks/confirmed", operation: remove, task: null },
      { type: "tasks/confirmed", operation: create, task: task(3, "bread") },
      { type: "tasks/confirmed", operation: { kind: "update", id: 2, patch: {} }, task: task(2, "oat milk") },
      {
        type: "tasks/loaded",
        number: 2,
        tasks: [task(1, "tea"), task(2, "milk", { updated_at: "2026-01-01T00:00:00Z" })],
      },
    );
    expect(titles(state)).toEqual(["bread", "oat milk"]);
  });

  it("tells what changed after a confirmed change, and what changed before it began", () => {
    const state = play(
      loaded,
      { type: "tasks/confirmed", operation: remove, task: null },
      { type: "tasks/loadStarted" },
      { type: "tasks/confirmed", operation: { kind: "update", id: 2, patch: {} }, task: task(2, "oat milk") },
      {
        type: "tasks/loaded",
        number: 2,
        tasks: [task(1, "tea"), task(2, "rice milk", { updated_at: "2026-01-02T00:00:00Z" })],
      },
    );
    expect(titles(state)).toEqual(["rice milk", "tea"]);
  });

  it("keeps what is shown when a later load fails", () => {
    const failed = play(loaded, { type: "tasks/loadStarted" }, { type: "tasks/loadFailed", number: 2, problem });
    expect(failed.load).toMatchObject({ problem });
    expect(titles(failed)).toEqual(["milk", "tea"]);
  });
});

describe("a change on its way", () => {
  it.each<[string, Operation, string[]]>([
    ["a new task stands on top", create, ["bread", "milk", "tea"]],
    ["a deleted task is gone", remove, ["milk"]],
    [
      "a renamed task has its new name",
      { kind: "update", id: 1, patch: { title: "green tea" } },
      ["milk", "green tea"],
    ],
    ["a change of an unknown task shows nothing", { kind: "update", id: 99, patch: { title: "x" } }, ["milk", "tea"]],
  ])("%s at once", (_, operation, expected) => {
    expect(titles(reduceTasks(loaded, { type: "tasks/sent", operation }))).toEqual(expected);
  });

  it("marks the rows that are being saved, and only those", () => {
    const state = play(loaded, { type: "tasks/sent", operation: create }, { type: "tasks/sent", operation: complete });
    expect(rows(state).map(({ title, saving, completed }) => [title, saving, completed])).toEqual([
      ["bread", true, false],
      ["milk", false, true],
      ["tea", true, true],
    ]);
  });

  it("applies two changes of one task in the order they were made", () => {
    const again: Operation = { kind: "update", id: 1, patch: { completed: false } };
    const state = play(loaded, { type: "tasks/sent", operation: complete }, { type: "tasks/sent", operation: again });
    expect(rows(state).find(({ id }) => id === 1)?.completed).toBe(false);
  });

  it("is taken back when it fails, and remembered for another try", () => {
    const state = play(
      loaded,
      { type: "tasks/sent", operation: remove },
      { type: "tasks/rejected", operation: remove, problem },
    );
    expect(titles(state)).toEqual(["milk", "tea"]);
    expect(state.failed).toEqual({ operation: remove, problem });
    expect(reduceTasks(state, { type: "tasks/problemDismissed" }).failed).toBeNull();
    expect(reduceTasks(state, { type: "tasks/sent", operation: remove }).failed).toBeNull();
  });

  it("survives a load that does not know it yet", () => {
    const state = play(
      loaded,
      { type: "tasks/sent", operation: complete },
      { type: "tasks/loadStarted" },
      { type: "tasks/loaded", number: 2, tasks: [task(1, "tea")] },
    );
    expect(rows(state)).toMatchObject([{ title: "tea", completed: true, saving: true }]);
  });
});

describe("a confirmed change", () => {
  it.each<[string, Operation, Task | null, string[]]>([
    ["takes the server's task in the place of the draft", create, task(3, "bread"), ["bread", "milk", "tea"]],
    ["takes the server's version of a task", complete, task(1, "tea!", { completed: true }), ["milk", "tea!"]],
    ["takes a deleted task off the list", remove, null, ["milk"]],
    ["changes nothing without a task", complete, null, ["milk", "tea"]],
  ])("%s", (_, operation, answer, expected) => {
    const state = play(loaded, { type: "tasks/sent", operation }, { type: "tasks/confirmed", operation, task: answer });
    expect(titles(state)).toEqual(expected);
    expect(state.inFlight).toEqual([]);
  });
});

describe("the filter", () => {
  it.each([
    ["all", ["milk", "tea"]],
    ["pending", ["tea"]],
    ["completed", ["milk"]],
  ] as const)("%s shows %j", (filter, expected) => {
    expect(titles(reduceTasks(loaded, { type: "tasks/filterChosen", filter }))).toEqual(expected);
  });

  it("counts every task, whatever is shown", () => {
    expect(counts(reduceTasks(loaded, { type: "tasks/filterChosen", filter: "pending" }))).toEqual({
      all: 2,
      pending: 1,
      completed: 1,
    });
  });
});

describe("an open row", () => {
  const open = reduceTasks(loaded, { type: "tasks/opened", id: 1, as: "edit" });

  it.each<[string, TasksEvent]>([
    ["it is closed", { type: "tasks/closed" }],
    ["its change is sent", { type: "tasks/sent", operation: complete }],
    ["another filter is chosen", { type: "tasks/filterChosen", filter: "completed" }],
  ])("closes when %s", (_, event) => {
    expect(open.open).toEqual({ id: 1, as: "edit" });
    expect(reduceTasks(open, event).open).toBeNull();
  });
});

import { describe, expect, it } from "@jest/globals";
import type { ToolCall } from "../api/types.ts";
import { toolCallSentence } from "./tools.ts";

const ok = (result: unknown = null) => ({ ok: true, result });

describe("toolCallSentence", () => {
  it.each<[string, string, Record<string, unknown>, ToolCall["outcome"]]>([
    ["Adding “tea”", "add_task", { title: "tea" }, null],
    ["Added “tea”", "add_task", { title: "tea" }, ok()],
    ["Adding “tea” failed", "add_task", { title: "tea" }, { ok: false, result: "too long" }],
    ["Completing a task", "complete_task", { task_id: 3 }, null],
    ["Completed “milk”", "complete_task", { task_id: 3 }, ok({ id: 3, title: "milk" })],
    ["Changed “oat milk”", "update_task", { task_id: 3, title: "milk" }, ok({ title: "oat milk" })],
    ["Deleted a task", "delete_task", { task_id: 3 }, ok({ title: 7 })],
    ["Restored “milk”", "restore_task", { task_id: 3 }, ok({ id: 3, title: "milk" })],
    ["Read the task list", "list_tasks", { status: "all" }, ok([])],
    ["Used send_mail", "send_mail", {}, ok("done")],
  ])("%s", (sentence, name, args, outcome) => {
    expect(toolCallSentence({ id: "c", name, arguments: args, outcome })).toBe(sentence);
  });
});

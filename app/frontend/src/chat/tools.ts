import type { ToolCall } from "../api/types.ts";

/** What each tool does in the words of the person, while at work and afterwards. */
const WORDS: Record<string, { now: string; done: string; noun: string }> = {
  add_task: { now: "Adding", done: "Added", noun: "a task" },
  complete_task: { now: "Completing", done: "Completed", noun: "a task" },
  delete_task: { now: "Deleting", done: "Deleted", noun: "a task" },
  restore_task: { now: "Restoring", done: "Restored", noun: "a task" },
  update_task: { now: "Changing", done: "Changed", noun: "a task" },
  list_tasks: { now: "Reading", done: "Read", noun: "the task list" },
};

/** One line about a tool call; a tool that this page does not know is named as the server names it. */
export function toolCallSentence(call: ToolCall): string {
  const words = WORDS[call.name] ?? { now: "Using", done: "Used", noun: call.name };
  const title = titleOf(call);
  const object = title === null ? words.noun : `“${title}”`;
  if (call.outcome === null) return `${words.now} ${object}`;
  return call.outcome.ok ? `${words.done} ${object}` : `${words.now} ${object} failed`;
}

/** The result names the task also when the call named it by id; the arguments are known from the start. */
function titleOf(call: ToolCall): string | null {
  for (const source of [call.outcome?.result, call.arguments]) {
    if (typeof source === "object" && source !== null && "title" in source && typeof source.title === "string") {
      return source.title;
    }
  }
  return null;
}

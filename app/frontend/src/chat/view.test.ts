import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { fireEvent, screen, waitFor, within } from "@testing-library/dom";
import { axe } from "jest-axe";
import { CONVERSATIONS_PER_PAGE } from "../api/client.ts";
import { openSignedIn, type Page } from "../testing/page.ts";
import { eventStream, failure, json } from "../testing/stand-in-api.ts";
import { FOLLOW_PAUSE_MS } from "./actions.ts";

/** For what is seen only when the page asks the next time. */
const LONG = { timeout: 10 * FOLLOW_PAUSE_MS };

let page: Page;

beforeEach(async () => {
  page = await openSignedIn();
});
afterEach(() => page.close());

const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
const say = (text: string) => page.user.type(field(), `${text}{Enter}`);
const messages = () => screen.getByRole("region", { name: "Messages" });
const conversations = () => screen.getByRole("navigation", { name: "Conversations" });
const sentChats = () => page.server.seen.filter(({ path }) => path === "/api/ada/chat/stream");

/** A chat stream whose events are handed out one by one. */
function slowStream() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
  });
  return {
    answer: () => Promise.resolve(new Response(body)),
    send: (event: string, data: unknown) =>
      controller.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)),
    cut: () => controller.error(new TypeError("reset")),
  };
}

describe("a message", () => {
  it("is answered, and the list beside it follows", async () => {
    await say("add Buy milk");
    expect(await within(messages()).findByText("Added “Buy milk”.")).toBeVisible();
    expect(within(messages()).getByText("add Buy milk")).toBeVisible();
    expect(await screen.findByRole("checkbox", { name: "Buy milk" })).not.toBeChecked();
    await say("complete Buy milk");
    await waitFor(() => expect(screen.getByRole("checkbox", { name: "Buy milk" })).toBeChecked());
    expect(await axe(page.root)).toHaveNoViolations();
  });

  it("can be chosen from the suggestions", async () => {
    await page.user.click(screen.getByRole("button", { name: "Add buy milk" }));
    expect(await screen.findByRole("checkbox", { name: "buy milk" })).toBeVisible();
  });

  it("may have several lines; an empty one is not sent", async () => {
    await page.user.type(field(), "  {Enter}");
    expect(sentChats()).toHaveLength(0);
    await page.user.clear(field());
    await page.user.type(field(), "one{Shift>}{Enter}{/Shift}two");
    expect(field()).toHaveValue("one\ntwo");
    await page.user.click(screen.getByRole("button", { name: "Send message" }));
    expect(sentChats()[0]?.body).toEqual({ message: "one\ntwo" });
    expect(field()).toHaveValue("");
    expect(field()).toHaveFocus();
  });
});

describe("an answer on its way", () => {
  it("shows tools at work, then done, and text as it arrives; a screen reader hears the whole at the end", async () => {
    const stream = slowStream();
    page.server.failNext({ method: "POST", path: /stream$/, answer: stream.answer });
    await say("do something");
    expect(within(messages()).getByText("Answering…")).toBeInTheDocument();
    stream.send("start", { conversation_id: 1 });
    stream.send("tool_call", { id: "c1", name: "add_task", arguments: { title: "Tea" } });
    expect(await within(messages()).findByText("Adding “Tea”")).toBeVisible();

    page.server.addTask("ada", "Tea");
    stream.send("tool_result", { id: "c1", name: "add_task", ok: true, result: { id: 1, title: "Tea" } });
    expect(await within(messages()).findByText("Added “Tea”")).toBeVisible();
    expect(screen.getByRole("status")).toHaveTextContent("Added “Tea”.");
    expect(await screen.findByRole("checkbox", { name: "Tea" })).toBeVisible();

    stream.send("delta", { text: "Done, " });
    expect(await within(messages()).findByText("Done,")).toBeVisible();
    expect(screen.getByRole("status")).not.toHaveTextContent("Done");
    stream.send("delta", { text: "enjoy." });
    expect(await within(messages()).findByText("Done, enjoy.")).toBeVisible();
    expect(await axe(page.root)).toHaveNoViolations();

    const tool_calls = [{ id: "c1", name: "add_task", arguments: { title: "Tea" }, ok: true, result: { id: 1 } }];
    stream.send("done", { conversation_id: 1, response: "Done, enjoy!", tool_calls });
    expect(await within(messages()).findByText("Done, enjoy!")).toBeVisible();
    expect(screen.getByRole("status")).toHaveTextContent("Assistant: Done, enjoy!");
  });

  it("shows what a tool was given and gave back", async () => {
    await say("list");
    await page.user.click(await within(messages()).findByText("Read the task list"));
    expect(within(messages()).getByText("list_tasks")).toBeVisible();
    expect(within(messages()).getByText('{"status":"all"}')).toBeVisible();
    expect(within(messages()).getByText("[]")).toBeVisible();
  });

  it("shows a tool that failed as failed", async () => {
    const call = { id: "c1", name: "delete_task", arguments: { task_id: 9 } };
    const answer = () =>
      Promise.resolve(
        eventStream([
          ["start", { conversation_id: 1 }],
          ["tool_call", call],
          ["tool_result", { id: "c1", name: "delete_task", ok: false, result: "Task 9 does not exist." }],
          ["tool_result", { id: "c-unknown", name: "delete_task", ok: true, result: null }],
          [
            "done",
            {
              conversation_id: 1,
              response: "There is no task 9.",
              tool_calls: [{ ...call, ok: false, result: "Task 9 does not exist." }],
            },
          ],
        ]),
      );
    page.server.failNext({ method: "POST", path: /stream$/, answer });
    await say("delete 9");
    expect(await within(messages()).findByText("Deleting a task failed")).toBeVisible();
  });

  it("takes no second message meanwhile, and keeps what is typed", async () => {
    const stream = slowStream();
    page.server.failNext({ method: "POST", path: /stream$/, answer: stream.answer });
    await say("first");
    await say("second");
    expect(sentChats()).toHaveLength(1);
    expect(field()).toHaveValue("second");
    expect(screen.getByRole("button", { name: "Send message" })).toHaveAttribute("aria-disabled", "true");
    stream.send("done", { conversation_id: 1, response: "ok", tool_calls: [] });
    await within(messages()).findByText("ok");
    await page.user.keyboard("{Enter}");
    await waitFor(() => expect(sentChats()).toHaveLength(2));
  });

  it("is left behind when another conversation is started", async () => {
    const stream = slowStream();
    page.server.failNext({ method: "POST", path: /stream$/, answer: stream.answer });
    await say("first");
    await page.user.click(screen.getByRole("button", { name: "New conversation" }));
    expect(await screen.findByText("What needs doing?")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(field()).toHaveFocus();
  });
});

describe("an answer that is stopped", () => {
  const stops = () => page.server.seen.filter(({ path }) => path === "/api/ada/chat/stop");
  const stopButton = () => screen.findByRole("button", { name: "Stop answering" });

  it("ends in the server, shows what was done, and can be asked for again", async () => {
    const stream = slowStream();
    page.server.failNext({ method: "POST", path: /stream$/, answer: stream.answer });
    await say("add Tea");
    expect(screen.queryByRole("button", { name: "Stop answering" })).toBeNull();
    stream.send("start", { conversation_id: 1 });
    stream.send("tool_call", { id: "c1", name: "add_task", arguments: { title: "Tea" } });
    await page.user.click(await stopButton());
    expect(stops()).toMatchObject([{ method: "POST", body: { idempotency_key: sentChats()[0]?.key } }]);
    expect(screen.getByRole("button", { name: "Stopping…" })).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByRole("status")).toHaveTextContent("Stopping…");
    expect(field()).toHaveFocus();
    await page.user.click(screen.getByRole("button", { name: "Stopping…" }));
    expect(stops()).toHaveLength(1);
    expect(await axe(page.root)).toHaveNoViolations();

    stream.send("tool_result", { id: "c1", name: "add_task", ok: true, result: { id: 1, title: "Tea" } });
    stream.send("error", { code: "stopped", message: "This was stopped.", request_id: null });
    expect(await screen.findByRole("alert")).toHaveTextContent("This was stopped.");
    expect(within(messages()).getByText("Added “Tea”")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Stopping…" })).toBeNull();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(sentChats().map(({ key }) => key)).toEqual([stops()[0], stops()[0]].map(keyOf)));
  });

  it("goes on when the server was not reached, says so, and can be stopped again", async () => {
    const stream = slowStream();
    page.server.failNext({ method: "POST", path: /stream$/, answer: stream.answer });
    page.server.failNext({ method: "POST", path: /stop$/, answer: () => Promise.reject(new TypeError("reset")) });
    await say("add Tea");
    stream.send("start", { conversation_id: 1 });
    await page.user.click(await stopButton());
    expect(await screen.findByRole("alert")).toHaveTextContent("The answer could not be stopped.");
    await page.user.click(await stopButton());
    expect(stops()).toHaveLength(2);
    expect(screen.queryByRole("alert")).toBeNull();
    stream.send("done", { conversation_id: 1, response: "Too late.", tool_calls: [] });
    expect(await within(messages()).findByText("Too late.")).toBeVisible();
  });

  const keyOf = (stop: { body: unknown } | undefined) => (stop?.body as { idempotency_key: string }).idempotency_key;
});

describe("a turn that fails", () => {
  it("is sent again under its old key, and nothing is doubled", async () => {
    const stream = slowStream();
    page.server.failNext({ method: "POST", path: /stream$/, answer: stream.answer });
    await say("add Buy milk");
    const key = sentChats()[0]?.key;
    stream.send("start", { conversation_id: 1 });
    stream.send("delta", { text: "Add" });
    await within(messages()).findByText("Add");
    stream.cut();
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The connection broke before the answer was complete.");
    expect(await axe(page.root)).toHaveNoViolations();

    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await within(messages()).findByText("Added “Buy milk”.")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(sentChats().map((chat) => chat.key)).toEqual([key, key]);
    expect(within(messages()).getAllByText("add Buy milk")).toHaveLength(1);
  });

  it("goes on in the conversation that the server named", async () => {
    const conversation = page.server.addConversation("ada", "cut off");
    const answer = () =>
      Promise.resolve(
        failure(503, "agent_unavailable", "The assistant is not reachable.", {
          headers: { "Retry-After": "3" },
          details: { conversation_id: conversation.id },
        }),
      );
    page.server.failNext({ method: "POST", path: /stream$/, answer });
    await say("hello");
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "The assistant is not reachable. Wait 3 s before the next try.",
    );
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(sentChats()[1]?.body).toEqual({ message: "hello", conversation_id: conversation.id }));
  });

  it("can be changed and sent as a new message", async () => {
    page.server.failNext({
      method: "POST",
      path: /stream$/,
      answer: () => Promise.resolve(failure(422, "validation_error", "Too odd.")),
    });
    await say("odd");
    await page.user.click(await screen.findByRole("button", { name: "Edit message" }));
    expect(screen.queryByRole("alert")).toBeNull();
    expect(field()).toHaveValue("odd");
    expect(field()).toHaveFocus();
    await page.user.keyboard(" no more{Enter}");
    await waitFor(() => expect(sentChats()).toHaveLength(2));
    expect(sentChats()[0]?.key).not.toBe(sentChats()[1]?.key);
  });
});

describe("a message that failed", () => {
  const reset = () => Promise.reject(new TypeError("reset"));
  const shown = () =>
    within(messages())
      .getAllByRole("listitem")
      .filter((item) => item.dataset["role"] !== undefined)
      .map((item) => item.querySelector(".bubble")?.textContent.trim());

  it("stays with its retry when another is sent, also after a reload, and is answered in its place", async () => {
    await say("hello");
    await within(messages()).findByText(/I know/);
    page.server.failNext({ method: "POST", path: /stream$/, answer: reset });
    await say("add Tea");
    await screen.findByRole("alert");
    await say("list");
    await within(messages()).findByText("You have 0 tasks.");
    const key = sentChats()[1]?.key;

    page.reload();
    await within(messages()).findByText("You have 0 tasks.");
    expect(shown()).toEqual(["hello", expect.stringMatching(/I know/), "list", "You have 0 tasks.", "add Tea"]);
    expect(messages()).toHaveTextContent("This message was not sent.");
    expect(await axe(page.root)).toHaveNoViolations();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await within(messages()).findByText("Added “Tea”.");
    expect(sentChats().at(-1)).toMatchObject({ key, body: { message: "add Tea", conversation_id: 1 } });
    page.reload();
    expect(await within(messages()).findByText("Added “Tea”.")).toBeVisible();
    expect(messages()).not.toHaveTextContent("This message was not sent.");
    expect(page.server.tasks).toHaveLength(1);
  });

  it("is still there after a reload when it was the first one", async () => {
    page.server.failNext({ method: "POST", path: /stream$/, answer: reset });
    await say("add Tea");
    await screen.findByRole("alert");
    page.reload();
    await page.user.click(await screen.findByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("checkbox", { name: "Tea" })).toBeVisible();
    expect(new Set(sentChats().map(({ key }) => key)).size).toBe(1);
  });

  it("can be tried again in the middle of a stored conversation", async () => {
    const conversation = page.server.addConversation("ada", "old");
    const failure = { code: "turn_timeout", message: "It took too long." };
    page.server.addMessage(conversation, { role: "user", content: "add Tea", idempotency_key: "k1", failure });
    page.server.addMessage(conversation, { role: "user", content: "hello", idempotency_key: "k2" });
    page.server.addMessage(conversation, { role: "assistant", content: "Good day.", idempotency_key: "k2" });
    window.dispatchEvent(new Event("online"));
    await page.user.click(await within(conversations()).findByRole("button", { name: /^old/ }));
    expect(await within(messages()).findByRole("group")).toHaveTextContent("It took too long.");
    expect(screen.queryByRole("alert")).toBeNull();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await within(messages()).findByText("Added “Tea”.");
    expect(shown()).toEqual(["add Tea", "Added “Tea”.", "hello", "Good day."]);
    expect(sentChats()[0]?.key).toBe("k1");
  });

  it("offers no second try while another message is answered", async () => {
    page.server.failNext({ method: "POST", path: /stream$/, answer: reset });
    await say("add Tea");
    await screen.findByRole("button", { name: "Try again" });
    page.server.failNext({ method: "POST", path: /stream$/, answer: slowStream().answer });
    await say("list");
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
    expect(screen.getByRole("button", { name: "Edit message" })).toBeVisible();
  });
});

describe("an input method", () => {
  it("has its Enter for itself", () => {
    fireEvent.input(field(), { target: { value: "にほん" } });
    fireEvent.keyDown(field(), { key: "Enter", isComposing: true });
    // Safari ends the composition before it tells of the key.
    fireEvent.keyDown(field(), { key: "Enter", keyCode: 229 });
    expect(sentChats()).toHaveLength(0);
    fireEvent.keyDown(field(), { key: "Enter", keyCode: 13 });
    expect(sentChats()).toMatchObject([{ body: { message: "にほん" } }]);
  });
});

describe("a turn that another page began", () => {
  const begin = () => {
    const conversation = page.server.addConversation("ada", "going on");
    page.server.addMessage(conversation, { role: "user", content: "hello", idempotency_key: "k0" });
    page.server.addMessage(conversation, { role: "assistant", content: "Good day.", idempotency_key: "k0" });
    const question = page.server.addMessage(conversation, {
      role: "user",
      content: "add Tea",
      idempotency_key: "k1",
      answering: true,
    });
    window.dispatchEvent(new Event("online"));
    return { conversation, question };
  };
  const open = async () => page.user.click(await within(conversations()).findByRole("button", { name: /^going on/ }));
  const asked = () => page.server.seen.filter(({ path }) => path.endsWith("/messages"));

  it("is shown at work, also after a reload, until its answer is there", async () => {
    const { conversation, question } = begin();
    await open();
    expect(await within(messages()).findByText("Answering…")).toBeInTheDocument();
    page.reload();
    expect(await within(messages()).findByText("Answering…")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();

    const call = { id: "c1", name: "add_task", arguments: { title: "Tea" }, ok: true, result: {} };
    question.tool_calls = [call];
    expect(await within(messages()).findByText("Added “Tea”", {}, LONG)).toBeVisible();
    page.server.addTask("ada", "Tea");
    Object.assign(question, { answering: false, tool_calls: [] });
    page.server.addMessage(conversation, {
      role: "assistant",
      content: "There.",
      idempotency_key: "k1",
      tool_calls: [call],
    });
    expect(await within(messages()).findByText("There.", {}, LONG)).toBeVisible();
    expect(screen.getByRole("status")).toHaveTextContent("Assistant: There.");
    expect(await screen.findByRole("checkbox", { name: "Tea" })).toBeVisible();
    expect(within(messages()).getByText("Good day.")).toBeVisible();
    expect(sentChats()).toHaveLength(0);
  });

  it("can be stopped, and tells what was done", async () => {
    const { question } = begin();
    await open();
    await page.user.click(await screen.findByRole("button", { name: "Stop answering" }));
    expect(page.server.seen.at(-1)).toMatchObject({ path: "/api/ada/chat/stop", body: { idempotency_key: "k1" } });
    Object.assign(question, { answering: false, failure: { code: "stopped", message: "This was stopped." } });
    expect(await screen.findByRole("alert", {}, LONG)).toHaveTextContent("This was stopped.");
  });

  it("is no longer asked after when another conversation is opened", async () => {
    begin();
    await open();
    await within(messages()).findByText("Answering…");
    await page.user.click(screen.getByRole("button", { name: "New conversation" }));
    const before = asked().length;
    await new Promise((resolve) => setTimeout(resolve, 1.2 * FOLLOW_PAUSE_MS));
    expect(asked()).toHaveLength(before);
  });

  it("can be tried again when the server cannot be asked", async () => {
    begin();
    await open();
    await within(messages()).findByText("Answering…");
    page.server.failNext({ method: "GET", path: /messages$/, answer: () => Promise.reject(new TypeError("reset")) });
    expect(await screen.findByRole("alert", {}, LONG)).toHaveTextContent("The server could not be reached.");
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await within(messages()).findByText("Added “Tea”.")).toBeVisible();
    expect(sentChats()[0]?.key).toBe("k1");
  });
});

describe("conversations", () => {
  const open = async (title: string) =>
    page.user.click(await within(conversations()).findByRole("button", { name: new RegExp(`^${title}`) }));

  it("take a message while their history loads, and show its answer below it", async () => {
    const conversation = page.server.addConversation("ada", "slow");
    page.server.addMessage(conversation, { role: "user", content: "hello", idempotency_key: "k0" });
    page.server.addMessage(conversation, { role: "assistant", content: "Good day.", idempotency_key: "k0" });
    const history = [...conversation.messages];
    let release: (response: Response) => void = () => undefined;
    page.server.failNext({
      method: "GET",
      path: /messages$/,
      answer: () => new Promise((resolve) => (release = resolve)),
    });
    window.dispatchEvent(new Event("online"));
    await open("slow");
    await say("add Tea");
    expect(await within(messages()).findByText("Added “Tea”.")).toBeVisible();
    expect(within(messages()).getByText("Loading messages…")).toBeVisible();
    release(json(200, history));
    expect(await within(messages()).findByText("Good day.")).toBeVisible();
    expect(within(messages()).getByText("Added “Tea”.")).toBeVisible();
    expect(within(messages()).getByText("add Tea")).toBeVisible();
  });

  it("stay listed when older ones were loaded and a message is answered; a second click adds none twice", async () => {
    for (let n = 0; n < CONVERSATIONS_PER_PAGE + 3; n += 1) page.server.addConversation("ada", `talk ${n}`);
    window.dispatchEvent(new Event("online"));
    await page.user.dblClick(await within(conversations()).findByRole("button", { name: "Older conversations" }));
    await within(conversations()).findByRole("button", { name: /^talk 0/ });
    await say("hello");
    await within(conversations()).findByRole("button", { name: /^hello/ });
    expect(within(conversations()).getAllByRole("listitem")).toHaveLength(CONVERSATIONS_PER_PAGE + 4);
  });

  it("get another name by a form", async () => {
    await say("hello");
    await page.user.click(await within(conversations()).findByRole("button", { name: "Rename hello" }));
    const name = screen.getByRole("textbox", { name: "Name of the conversation" });
    expect(name).toHaveFocus();
    expect(await axe(page.root)).toHaveNoViolations();
    await page.user.clear(name);
    await page.user.type(name, "  {Enter}");
    expect(page.server.conversations[0]?.title).toBe("hello");
    await page.user.type(name, "Tea time{Enter}");
    expect(await within(conversations()).findByRole("button", { name: /^Tea time/ })).toBeVisible();
    expect(page.server.conversations[0]?.title).toBe("Tea time");
    expect(screen.getByRole("status")).toHaveTextContent("Renamed to Tea time.");
    expect(screen.getByRole("button", { name: "Rename Tea time" })).toHaveFocus();
    expect(within(messages()).getByText("hello")).toBeVisible();
  });

  it.each([
    ["Rename hello", "Cancel"],
    ["Delete hello", "Keep"],
  ])("are left as they are: “%s”, then “%s” or Escape", async (opening, closing) => {
    await say("hello");
    const opener = () => within(conversations()).findByRole("button", { name: opening });
    await page.user.click(await opener());
    await page.user.click(within(conversations()).getByRole("button", { name: closing }));
    expect(await opener()).toHaveFocus();
    await page.user.click(await opener());
    fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape", isComposing: true });
    expect(within(conversations()).getByRole("button", { name: closing })).toBeVisible();
    await page.user.keyboard("{Escape}");
    expect(await opener()).toHaveFocus();
    expect(page.server.seen.map(({ method }) => method)).not.toContain("PATCH");
    expect(page.server.conversations).toHaveLength(1);
  });

  it("are deleted after a question, and the open one is left", async () => {
    await say("hello");
    await page.user.click(await within(conversations()).findByRole("button", { name: "Delete hello" }));
    const question = screen.getByRole("group", { name: "Delete “hello” for good? The tasks stay." });
    expect(within(question).getByRole("button", { name: "Keep" })).toHaveFocus();
    expect(await axe(page.root)).toHaveNoViolations();
    await page.user.click(within(question).getByRole("button", { name: "Delete" }));
    expect(await screen.findByText("What needs doing?")).toBeVisible();
    expect(within(conversations()).queryByRole("listitem")).toBeNull();
    expect(within(conversations()).getByRole("heading")).toHaveFocus();
    expect(page.server.conversations).toHaveLength(0);
    page.reload();
    expect(await screen.findByText("What needs doing?")).toBeVisible();
  });

  it.each([
    ["PATCH", "Rename hello", "Save"],
    ["DELETE", "Delete hello", "Delete"],
  ])("say why %s did not work", async (method, opening, going) => {
    await say("hello");
    await page.user.click(await within(conversations()).findByRole("button", { name: opening }));
    const answer = () => Promise.resolve(failure(409, "turn_in_progress", "A message is being answered."));
    page.server.failNext({ method, path: /conversations/, answer });
    await page.user.click(within(conversations()).getByRole("button", { name: going }));
    expect(await within(conversations()).findByRole("alert")).toHaveTextContent("A message is being answered.");
    expect(page.server.conversations).toMatchObject([{ title: "hello" }]);
  });

  it("that another tab deleted are gone here too", async () => {
    await say("hello");
    await page.user.click(await within(conversations()).findByRole("button", { name: "Delete hello" }));
    page.server.conversations.splice(0);
    await page.user.click(within(conversations()).getByRole("button", { name: "Delete" }));
    expect(await screen.findByText("What needs doing?")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("that are open and deleted elsewhere do not come back after a reload", async () => {
    await say("hello");
    await within(messages()).findByText(/I know/);
    page.server.conversations.splice(0);
    page.reload();
    expect(await screen.findByText("What needs doing?")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("are found by what was said in them", async () => {
    const tea = page.server.addConversation("ada", "drinks");
    page.server.addMessage(tea, { role: "user", content: "buy green tea" });
    page.server.addConversation("ada", "other");
    window.dispatchEvent(new Event("online"));
    await within(conversations()).findByRole("button", { name: /^other/ });
    const search = screen.getByRole("searchbox", { name: "Search conversations" });
    await page.user.type(search, "Green");
    expect(await within(conversations()).findByRole("button", { name: /^drinks/ })).toBeVisible();
    expect(within(conversations()).queryByRole("button", { name: /^other/ })).toBeNull();
    await page.user.type(search, "!");
    expect(await within(conversations()).findByText("No conversation has “Green!” in it.")).toBeVisible();
    expect(await axe(page.root)).toHaveNoViolations();
    await page.user.clear(search);
    expect(await within(conversations()).findByRole("button", { name: /^other/ })).toBeVisible();
  });

  it("are announced in words while there are none", () => {
    expect(within(conversations()).getByText("They are kept here, to go on with later.")).toBeVisible();
  });

  it("are listed, and opened with their messages and tools", async () => {
    await say("add Buy milk");
    await within(messages()).findByText("Added “Buy milk”.");
    await page.user.click(screen.getByRole("button", { name: "New conversation" }));
    expect(within(messages()).queryByText("Added “Buy milk”.")).toBeNull();
    await say("hello");
    await within(messages()).findByText(/I know/);
    expect(page.server.conversations).toHaveLength(2);

    await open("add Buy milk");
    expect(await within(messages()).findByText("Added “Buy milk”.")).toBeVisible();
    expect(within(messages()).getByText("Added “Buy milk”")).toBeVisible();
    expect(within(conversations()).getByRole("button", { current: true })).toHaveTextContent("add Buy milk");
    expect(screen.getByRole("status")).toHaveTextContent("Conversation opened, 2 messages.");
    await say("list");
    await within(messages()).findByText("You have 1 tasks.");
    expect(page.server.conversations).toHaveLength(2);
  });

  it("offers to answer what a crash left unanswered, under the stored key", async () => {
    const conversation = page.server.addConversation("ada", "crashed");
    page.server.addMessage(conversation, { role: "user", content: "add Tea", idempotency_key: "key-of-old" });
    window.dispatchEvent(new Event("online"));
    await open("crashed");
    expect(await screen.findByRole("alert")).toHaveTextContent("This message has no answer yet.");
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("checkbox", { name: "Tea" })).toBeVisible();
    expect(sentChats()[0]).toMatchObject({ key: "key-of-old", body: { conversation_id: conversation.id } });
  });

  it("say why one could not be opened, and try again", async () => {
    const conversation = page.server.addConversation("ada", "shy");
    page.server.addMessage(conversation, { role: "assistant", content: "Here I am." });
    page.server.failNext({ method: "GET", path: /messages$/, answer: () => Promise.reject(new TypeError("reset")) });
    window.dispatchEvent(new Event("online"));
    await open("shy");
    expect(await screen.findByRole("alert")).toHaveTextContent("The messages could not be loaded.");
    await page.user.click(screen.getByRole("button", { name: "Load again" }));
    expect(await within(messages()).findByText("Here I am.")).toBeVisible();
  });

  it("say why they could not be listed, and try again", async () => {
    page.server.addConversation("ada", "back again");
    page.server.failNext({
      method: "GET",
      path: /conversations$/,
      answer: () => Promise.reject(new TypeError("reset")),
    });
    window.dispatchEvent(new Event("online"));
    const again = await within(conversations()).findByRole("button", { name: "Load again" });
    await page.user.click(again);
    expect(await within(conversations()).findByRole("button", { name: /^back again/ })).toBeVisible();
  });

  it("are loaded page by page", async () => {
    for (let n = 0; n < CONVERSATIONS_PER_PAGE + 1; n += 1) page.server.addConversation("ada", `talk ${n}`);
    window.dispatchEvent(new Event("online"));
    await page.user.click(await within(conversations()).findByRole("button", { name: "Older conversations" }));
    expect(await within(conversations()).findByRole("button", { name: /^talk 0\b/ })).toBeVisible();
    expect(within(conversations()).queryByRole("button", { name: "Older conversations" })).toBeNull();
  });

  it("open and close as a list on a narrow screen, by button and by Escape", async () => {
    const toggle = screen.getByRole("button", { name: "Conversations" });
    page.server.addConversation("ada", "one");
    window.dispatchEvent(new Event("online"));
    const item = await within(conversations()).findByRole("button", { name: /^one/ });
    await page.user.click(toggle);
    expect(toggle).toHaveAttribute("aria-expanded", "true");
    expect(within(conversations()).getByRole("heading")).toHaveFocus();
    item.focus();
    await page.user.keyboard("x{Escape}");
    expect(toggle).toHaveAttribute("aria-expanded", "false");
    expect(toggle).toHaveFocus();
    item.focus();
    await page.user.keyboard("{Escape}");
    expect(toggle).toHaveAttribute("aria-expanded", "false");
  });
});

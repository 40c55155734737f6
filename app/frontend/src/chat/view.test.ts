import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { screen, waitFor, within } from "@testing-library/dom";
import { axe } from "jest-axe";
import { CONVERSATIONS_PER_PAGE } from "../api/client.ts";
import { openSignedIn, type Page } from "../testing/page.ts";
import { eventStream, failure } from "../testing/stand-in-api.ts";

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

describe("conversations", () => {
  const open = async (title: string) =>
    page.user.click(await within(conversations()).findByRole("button", { name: new RegExp(title) }));

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
    expect(await within(conversations()).findByRole("button", { name: /back again/ })).toBeVisible();
  });

  it("are loaded page by page", async () => {
    for (let n = 0; n < CONVERSATIONS_PER_PAGE + 1; n += 1) page.server.addConversation("ada", `talk ${n}`);
    window.dispatchEvent(new Event("online"));
    await page.user.click(await within(conversations()).findByRole("button", { name: "Older conversations" }));
    expect(await within(conversations()).findByRole("button", { name: /talk 0\b/ })).toBeVisible();
    expect(within(conversations()).queryByRole("button", { name: "Older conversations" })).toBeNull();
  });

  it("open and close as a list on a narrow screen, by button and by Escape", async () => {
    const toggle = screen.getByRole("button", { name: "Conversations" });
    page.server.addConversation("ada", "one");
    window.dispatchEvent(new Event("online"));
    const item = await within(conversations()).findByRole("button", { name: /one/ });
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

import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { screen, waitFor, within } from "@testing-library/dom";
import { axe } from "jest-axe";
import { openSignedIn, type Page } from "../testing/page.ts";
import { failure, StandInApi } from "../testing/stand-in-api.ts";

let page: Page;

beforeEach(async () => {
  const server = new StandInApi();
  server.addTask("ada", "Buy milk", { created_at: "2026-01-01T00:00:00Z" });
  server.addTask("ada", "Call Ben", { created_at: "2026-01-02T00:00:00Z", description: "about Friday" });
  server.addTask("ada", "Water plants", { created_at: "2026-01-03T00:00:00Z", completed: true });
  server.addTask("ben", "Ben's own");
  page = await openSignedIn(server);
  await screen.findByRole("checkbox", { name: "Buy milk" });
});
afterEach(() => page.close());

const titles = () => screen.getAllByRole("checkbox").map((box) => (box as HTMLInputElement).labels?.[0]?.textContent);
const checkbox = (name: string) => screen.findByRole<HTMLInputElement>("checkbox", { name });
const press = async (name: string) => page.user.click(await screen.findByRole("button", { name }));
const offline = () => Promise.reject(new TypeError("fetch failed"));

describe("the list", () => {
  it("shows the user's own tasks, newest first, with what is done", () => {
    expect(titles()).toEqual(["Water plants", "Call Ben", "Buy milk"]);
    expect(screen.getByText("about Friday")).toBeVisible();
    expect(screen.getByRole("progressbar", { name: "1 of 3 done" })).toHaveValue(1);
  });

  it("has no accessibility violations, also with an open form and question", async () => {
    expect(await axe(page.root)).toHaveNoViolations();
    await press("Edit Call Ben");
    expect(await axe(page.root)).toHaveNoViolations();
    await press("Delete Buy milk");
    expect(await axe(page.root)).toHaveNoViolations();
  });

  it.each([
    ["Pending", ["Call Ben", "Buy milk"]],
    ["Completed", ["Water plants"]],
    ["All", ["Water plants", "Call Ben", "Buy milk"]],
  ])("shows the tasks of %s", async (label, expected) => {
    await page.user.click(screen.getByRole("radio", { name: new RegExp(`^${label}`) }));
    expect(titles()).toEqual(expected);
    expect(screen.getByRole("list", { name: `${label} tasks` })).toBeVisible();
  });

  it("says so when nothing is left to show", async () => {
    await page.user.click(screen.getByRole("radio", { name: /^Pending/ }));
    await page.user.click(await checkbox("Buy milk"));
    await page.user.click(await checkbox("Call Ben"));
    expect(await screen.findByText("Nothing pending")).toBeVisible();
  });
});

describe("adding", () => {
  const field = () => screen.getByRole<HTMLInputElement>("textbox", { name: "New task" });

  it("adds a task, empties the field and stays there", async () => {
    await page.user.type(field(), "  Bake bread {Enter}");
    expect(await checkbox("Bake bread")).not.toBeChecked();
    expect(field()).toHaveValue("");
    expect(field()).toHaveFocus();
    expect(screen.getByRole("status")).toHaveTextContent("Added Bake bread.");
  });

  it("sends nothing for an empty title", async () => {
    const before = page.server.seen.length;
    await page.user.type(field(), "   {Enter}");
    expect(page.server.seen).toHaveLength(before);
  });

  it("shows the task while it is being saved", async () => {
    page.server.failNext({ method: "POST", path: /tasks$/, answer: () => new Promise(() => undefined) });
    await page.user.type(field(), "Bake bread{Enter}");
    expect(screen.getByText("Bake bread").closest("li")).toHaveAttribute("aria-busy", "true");
  });

  it("offers another try after a failure", async () => {
    page.server.failNext({ method: "POST", path: /tasks$/, answer: offline });
    await page.user.type(field(), "Bake bread{Enter}");
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("“Bake bread” was not added. The server could not be reached.");
    expect(screen.queryByRole("checkbox", { name: "Bake bread" })).toBeNull();
    await press("Try again");
    expect(await checkbox("Bake bread")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("offers no other try of what the server refused", async () => {
    const answer = () => Promise.resolve(failure(422, "validation_error", "The title is too odd."));
    page.server.failNext({ method: "POST", path: /tasks$/, answer });
    await page.user.type(field(), "odd{Enter}");
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The title is too odd.");
    expect(alert).toHaveTextContent("Request req-failure");
    expect(within(alert).queryByRole("button", { name: "Try again" })).toBeNull();
    await press("Dismiss");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(field()).toHaveFocus();
  });
});

describe("completing", () => {
  it("ticks at once, keeps the focus, and can be undone", async () => {
    const box = await checkbox("Buy milk");
    await page.user.click(box);
    expect(box).toBeChecked();
    expect(box).toHaveFocus();
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Completed Buy milk."));
    await page.user.click(box);
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Reopened Buy milk."));
    expect(page.server.tasks.find(({ title }) => title === "Buy milk")?.completed).toBe(false);
  });

  it("hands the focus to the next task when the ticked one leaves the filtered list", async () => {
    await page.user.click(screen.getByRole("radio", { name: /^Pending/ }));
    await page.user.click(await checkbox("Call Ben"));
    expect(screen.queryByRole("checkbox", { name: "Call Ben" })).toBeNull();
    expect(await checkbox("Buy milk")).toHaveFocus();
  });

  it("unticks again when the server refuses", async () => {
    page.server.failNext({ method: "PATCH", path: /tasks/, answer: offline });
    await page.user.click(await checkbox("Buy milk"));
    expect(await screen.findByRole("alert")).toHaveTextContent("“Buy milk” was not changed.");
    expect(await checkbox("Buy milk")).not.toBeChecked();
  });
});

describe("editing", () => {
  it("changes title and description, and returns to the button", async () => {
    await press("Edit Call Ben");
    const title = screen.getByRole("textbox", { name: "Title" });
    expect(title).toHaveFocus();
    await page.user.clear(title);
    await page.user.type(title, "Call Eve");
    const description = screen.getByRole("textbox", { name: "Description" });
    expect(description).toHaveValue("about Friday");
    await page.user.clear(description);
    await press("Save");
    expect(await checkbox("Call Eve")).toBeVisible();
    expect(screen.queryByText("about Friday")).toBeNull();
    expect(screen.getByRole("button", { name: "Edit Call Eve" })).toHaveFocus();
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Saved Call Eve."));
  });

  it.each(["{Escape}", "cancel"])("leaves everything as it was on %s", async (way) => {
    await press("Edit Call Ben");
    await page.user.type(screen.getByRole("textbox", { name: "Title" }), " and Eve");
    if (way === "cancel") await press("Cancel");
    else await page.user.keyboard(way);
    expect(titles()).toContain("Call Ben");
    expect(screen.getByRole("button", { name: "Edit Call Ben" })).toHaveFocus();
  });

  it("keeps what is being typed when the list is loaded anew", async () => {
    await press("Edit Call Ben");
    const title = screen.getByRole("textbox", { name: "Title" });
    await page.user.type(title, " soon");
    window.dispatchEvent(new Event("online"));
    await waitFor(() => expect(page.server.seen.filter(({ path }) => path === "/api/ada/tasks")).toHaveLength(2));
    expect(title).toHaveValue("Call Ben soon");
  });

  it("does not save an empty title", async () => {
    await press("Edit Call Ben");
    const title = screen.getByRole("textbox", { name: "Title" });
    await page.user.clear(title);
    await page.user.type(title, "  {Enter}");
    expect(title).toBeVisible();
    expect(page.server.seen.some(({ method }) => method === "PATCH")).toBe(false);
  });
});

describe("deleting", () => {
  it("asks first, and keeps the task by default", async () => {
    await press("Delete Call Ben");
    const question = screen.getByRole("group", { name: "Delete “Call Ben”?" });
    expect(within(question).getByRole("button", { name: "Keep" })).toHaveFocus();
    await page.user.keyboard("{Enter}");
    expect(titles()).toContain("Call Ben");
    expect(screen.getByRole("button", { name: "Delete Call Ben" })).toHaveFocus();
  });

  it("closes the question on Escape, and on no other key", async () => {
    await press("Delete Call Ben");
    await page.user.keyboard("x");
    expect(screen.getByRole("group", { name: "Delete “Call Ben”?" })).toBeVisible();
    await page.user.keyboard("{Escape}");
    expect(screen.queryByRole("group", { name: "Delete “Call Ben”?" })).toBeNull();
  });

  it("deletes, and hands the focus on: to the next task, to the one before, at last to the field", async () => {
    for (const [title, next] of [
      ["Call Ben", "Buy milk"],
      ["Buy milk", "Water plants"],
    ] as const) {
      await press(`Delete ${title}`);
      await press("Delete");
      await waitFor(() => expect(titles()).not.toContain(title));
      expect(await checkbox(next)).toHaveFocus();
    }
    await press("Delete Water plants");
    await press("Delete");
    expect(await screen.findByText("No tasks yet")).toBeVisible();
    expect(screen.getByRole("textbox", { name: "New task" })).toHaveFocus();
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Deleted Water plants."));
    expect(page.server.tasks.map(({ title }) => title)).toEqual(["Ben's own"]);
  });

  it("brings the task back when it fails", async () => {
    page.server.failNext({ method: "DELETE", path: /tasks/, answer: offline });
    await press("Delete Call Ben");
    await press("Delete");
    expect(await screen.findByRole("alert")).toHaveTextContent("“Call Ben” was not deleted.");
    expect(titles()).toContain("Call Ben");
  });

  it("can be undone, as long as nothing else was done", async () => {
    await press("Delete Call Ben");
    await press("Delete");
    const offer = await screen.findByRole("group", { name: "Last deletion" });
    expect(offer).toHaveTextContent("“Call Ben” was moved to the trash.");
    expect(await axe(page.root)).toHaveNoViolations();
    await press("Undo");
    expect(await checkbox("Call Ben")).toBeVisible();
    expect(screen.queryByRole("group", { name: "Last deletion" })).toBeNull();
    expect(screen.getByRole("textbox", { name: "New task" })).toHaveFocus();
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Restored Call Ben."));
    expect(page.server.tasks).toHaveLength(4);

    await press("Delete Call Ben");
    await press("Delete");
    await screen.findByRole("group", { name: "Last deletion" });
    await press("Hide");
    expect(screen.queryByRole("group", { name: "Last deletion" })).toBeNull();
  });

  it("offers another try when undoing it fails", async () => {
    await press("Delete Call Ben");
    await press("Delete");
    await screen.findByRole("group", { name: "Last deletion" });
    page.server.failNext({ method: "POST", path: /restore$/, answer: offline });
    await press("Undo");
    expect(await screen.findByRole("alert")).toHaveTextContent("“Call Ben” was not restored.");
    await press("Try again");
    expect(await checkbox("Call Ben")).toBeVisible();
  });

  it("shows that the task is gone when somebody else deleted it", async () => {
    page.server.tasks.splice(1, 1);
    await press("Delete Call Ben");
    await press("Delete");
    const alert = await screen.findByRole("alert");
    await waitFor(() => expect(alert).toHaveTextContent("The task was not deleted. Task 2 does not exist."));
    expect(titles()).not.toContain("Call Ben");
  });
});

describe("the trash", () => {
  const items = () => screen.queryByRole("list", { name: "Deleted tasks" });

  it("shows what was deleted, newest first, and gives it back", async () => {
    for (const title of ["Buy milk", "Call Ben"]) {
      await press(`Delete ${title}`);
      await press("Delete");
      await waitFor(() => expect(titles()).not.toContain(title));
    }
    await press("Trash");
    const list = await screen.findByRole("list", { name: "Deleted tasks" });
    expect(
      within(list)
        .getAllByRole("listitem")
        .map((item) => item.textContent),
    ).toEqual([expect.stringContaining("Call Ben"), expect.stringContaining("Buy milk")]);
    expect(await axe(page.root)).toHaveNoViolations();
    await press("Restore Buy milk");
    expect(await checkbox("Buy milk")).toBeVisible();
    expect(screen.getByRole("button", { name: "Trash" })).toHaveFocus();
    await waitFor(() => expect(screen.queryByRole("button", { name: "Restore Buy milk" })).toBeNull());
    await press("Trash");
    expect(items()).toBeNull();
  });

  it("says so when it is empty, and when it cannot be loaded", async () => {
    page.server.failNext({ method: "GET", path: /tasks$/, answer: offline });
    await press("Trash");
    expect(await screen.findByRole("alert")).toHaveTextContent("The trash could not be loaded.");
    await press("Load again");
    expect(await screen.findByText("Nothing was deleted in the last 30 days.")).toBeVisible();
  });
});

describe("a list that cannot be loaded", () => {
  it("says why, and loads again", async () => {
    page.close();
    const server = new StandInApi();
    server.addTask("ada", "Buy milk");
    const answer = () =>
      Promise.resolve(
        failure(503, "database_unavailable", "The database is down.", { headers: { "Retry-After": "2" } }),
      );
    server.failNext({ method: "GET", path: /tasks$/, answer });
    page = await openSignedIn(server);
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent(
      "The tasks could not be loaded. The database is down. Wait 2 s before the next try.",
    );
    await press("Load again");
    expect(await checkbox("Buy milk")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByRole("region", { name: "Tasks" })).toHaveFocus();
  });
});

import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { fireEvent, screen, waitFor } from "@testing-library/dom";
import { axe } from "jest-axe";
import { openPage, openSignedIn, type Page } from "../testing/page.ts";
import { failure, json, StandInApi } from "../testing/stand-in-api.ts";
import { UNREACHABLE_PAUSE_MS } from "./mount.ts";

let page: Page;
afterEach(() => page.close());

const userName = () => screen.getByRole("textbox", { name: "User name" });
const userNameToAppear = () => screen.findByRole("textbox", { name: "User name" });

describe("signing in", () => {
  it("has no accessibility violations", async () => {
    page = openPage();
    expect(await axe(page.root)).toHaveNoViolations();
    await userNameToAppear();
    expect(await axe(page.root)).toHaveNoViolations();
  });

  it("opens the chat and the tasks, with the message field in focus, and lasts over a reload", async () => {
    page = await openSignedIn();
    expect(screen.getByRole("textbox", { name: "Message" })).toHaveFocus();
    expect(screen.getByText("ada")).toBeVisible();
    page.reload();
    expect(await screen.findByRole("heading", { name: "Tasks" })).toBeVisible();
  });

  it("keeps the token in the tab only", async () => {
    page = await openSignedIn();
    expect(JSON.stringify(Object.entries(localStorage))).not.toContain("token-of-ada");
    expect(sessionStorage.getItem("todo-chat.session")).toContain("token-of-ada");
  });

  it.each(["", "-ada", "a b", "ä"])("sends nothing for the name %j", async (name) => {
    page = openPage();
    await userNameToAppear();
    if (name !== "") await page.user.type(userName(), name);
    await page.user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(page.server.seen.map(({ path }) => path)).toEqual(["/api/info"]);
  });

  it("says why it failed, and lets one try again", async () => {
    page = openPage();
    page.server.failNext({
      method: "POST",
      path: /login/,
      answer: () => Promise.reject(new TypeError("fetch failed")),
    });
    await page.user.type(await userNameToAppear(), "ada{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("The server could not be reached.");
    expect(userName()).toHaveFocus();
    await page.user.keyboard("{Enter}");
    expect(await screen.findByRole("heading", { name: "Tasks" })).toBeVisible();
  });

  it("is sent once, however often it is asked for", async () => {
    page = openPage();
    page.server.failNext({ method: "POST", path: /login/, answer: () => new Promise(() => undefined) });
    await page.user.type(await userNameToAppear(), "ada{Enter}{Enter}");
    expect(screen.getByRole("button", { name: "Signing in…" })).toHaveAttribute("aria-disabled", "true");
    expect(page.server.seen.filter(({ path }) => path === "/api/login")).toHaveLength(1);
  });

  it("is not offered where nobody can sign in, and says so", async () => {
    const server = new StandInApi();
    server.info = { ...server.info, dev_login: false, sign_in: "none" };
    page = openPage(server);
    expect(await screen.findByText(/no identity provider is configured/)).toBeVisible();
    expect(screen.queryByRole("textbox")).toBeNull();
    expect(screen.queryByRole("link")).toBeNull();
  });

  it.each([
    [true, "textbox", "User name"],
    [false, "textbox", null],
  ] as const)("knows a backend of before: development login %s", async (dev_login, role, name) => {
    const server = new StandInApi();
    server.info = { ...server.info, dev_login };
    delete server.info["sign_in"];
    page = openPage(server);
    if (name === null) expect(await screen.findByText(/no identity provider/)).toBeVisible();
    else expect(await screen.findByRole(role, { name })).toBeVisible();
  });

  it("waits for a server that does not say how, until it does", async () => {
    const server = new StandInApi();
    server.failNext({ method: "GET", path: /info/, answer: () => Promise.reject(new TypeError("fetch failed")) });
    page = openPage(server);
    expect(await screen.findByRole("alert")).toHaveTextContent("The server could not be reached.");
    expect(await axe(page.root)).toHaveNoViolations();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await userNameToAppear()).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("signing out", () => {
  it("leaves nothing behind", async () => {
    const server = new StandInApi();
    server.addTask("ada", "Secret plan");
    page = await openSignedIn(server);
    await screen.findByRole("checkbox", { name: "Secret plan" });
    await page.user.click(screen.getByRole("button", { name: "Sign out" }));
    expect(userName()).toHaveFocus();
    expect(screen.queryByText("Secret plan")).toBeNull();
    expect(sessionStorage).toHaveLength(0);
    page.reload();
    expect(await userNameToAppear()).toBeVisible();
  });

  it("drops what arrives for the one who left", async () => {
    page = openPage();
    const { server, user } = page;
    let release: (response: Response) => void = () => undefined;
    server.failNext({
      method: "GET",
      path: /ada\/tasks$/,
      answer: () => new Promise((resolve) => (release = resolve)),
    });
    await user.type(await userNameToAppear(), "ada{Enter}");
    await user.click(await screen.findByRole("button", { name: "Sign out" }));
    await user.type(userName(), "ben{Enter}");
    await screen.findByText("No tasks yet");
    release(json(200, [server.addTask("ada", "Secret plan")]));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(screen.queryByText("Secret plan")).toBeNull();
  });

  it("happens when the server no longer takes the token, and says why", async () => {
    page = await openSignedIn();
    for (const path of [/tasks$/, /conversations$/]) {
      page.server.failNext({
        method: "GET",
        path,
        answer: () => Promise.resolve(failure(401, "token_expired", "The token has expired.")),
      });
    }
    window.dispatchEvent(new Event("online"));
    expect(await screen.findByRole("alert")).toHaveTextContent("The token has expired.");
    expect(userName()).toHaveFocus();
    expect(sessionStorage).toHaveLength(0);
  });
});

describe("the model", () => {
  it.each([
    ["a scripted one as scripted", { name: "scripted model", kind: "scripted" }, "scripted model"],
    ["a language model by its name", { name: "small-1", kind: "llm" }, "small-1"],
    ["none as unreachable", null, "Assistant unreachable"],
  ])("is shown: %s", async (_, model, text) => {
    const server = new StandInApi();
    server.info = { ...server.info, model };
    page = await openSignedIn(server);
    expect(screen.getByText(text)).toBeVisible();
  });

  it("is no longer called unreachable once it answers", async () => {
    const server = new StandInApi();
    server.info = { ...server.info, model: null };
    page = await openSignedIn(server);
    expect(screen.getByText("Assistant unreachable")).toBeVisible();
    server.info = { ...server.info, model: { name: "small-1", kind: "llm" } };
    await page.user.type(screen.getByRole("textbox", { name: "Message" }), "hello{Enter}");
    expect(await screen.findByText("small-1")).toBeVisible();
    expect(screen.queryByText("Assistant unreachable")).toBeNull();
  });

  it("is looked for again while it is unreachable, and no longer once it is there", async () => {
    const server = new StandInApi();
    server.info = { ...server.info, model: null };
    page = await openSignedIn(server);
    page.close();
    const asked = () => server.seen.filter(({ path }) => path === "/api/info").length;
    jest.useFakeTimers();
    try {
      page.reload();
      for (const expected of [2, 3]) {
        await jest.advanceTimersByTimeAsync(0);
        expect(asked()).toBe(expected);
        await jest.advanceTimersByTimeAsync(UNREACHABLE_PAUSE_MS);
      }
      server.info = { ...server.info, model: { name: "small-1", kind: "llm" } };
      await jest.advanceTimersByTimeAsync(UNREACHABLE_PAUSE_MS);
      expect(screen.getByText("small-1")).toBeVisible();
      const before = asked();
      await jest.advanceTimersByTimeAsync(10 * UNREACHABLE_PAUSE_MS);
      expect(asked()).toBe(before);
    } finally {
      jest.useRealTimers();
    }
  });

  it("is not guessed when the server does not say", async () => {
    const server = new StandInApi();
    page = await openSignedIn(server);
    page.close();
    server.failNext({
      method: "GET",
      path: /info/,
      answer: () => Promise.resolve(failure(500, "internal_error", "Sorry.")),
    });
    page.reload();
    await screen.findByRole("heading", { name: "Tasks" });
    await waitFor(() => expect(server.seen.filter(({ path }) => path === "/api/info")).toHaveLength(2));
    expect(screen.queryByText("scripted model")).toBeNull();
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("without the browser's storage", () => {
  it.each([
    ["blocked", () => null],
    ["full", () => ({ getItem: () => null, removeItem: () => undefined })],
  ])("the page works while it is %s; what it would keep lasts until it is left", async (_, storage) => {
    page = openPage();
    page.close();
    for (const name of ["localStorage", "sessionStorage"] as const) {
      jest.spyOn(window, name, "get").mockImplementation(() => {
        const given = storage();
        if (given === null) throw new DOMException("blocked", "SecurityError");
        const setItem = () => {
          throw new DOMException("no room", "QuotaExceededError");
        };
        return { ...given, setItem } as unknown as Storage;
      });
    }
    page.reload();
    await page.user.type(await userNameToAppear(), "ada{Enter}");
    await page.user.type(await screen.findByRole("textbox", { name: "Message" }), "add Tea{Enter}");
    expect(await screen.findByRole("checkbox", { name: "Tea" })).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Colours: system" }));
    expect(screen.getByRole("button", { name: "Colours: light" })).toBeVisible();
    page.server.failNext({
      method: "POST",
      path: /tasks$/,
      answer: () => Promise.resolve(failure(401, "token_expired", "The token has expired.")),
    });
    await page.user.type(screen.getByRole("textbox", { name: "Message" }), "half a thought");
    await page.user.type(screen.getByRole("textbox", { name: "New task" }), "x{Enter}");
    await page.user.type(await userNameToAppear(), "ada{Enter}");
    expect(await screen.findByRole("textbox", { name: "Message" })).toHaveValue("half a thought");
    page.reload();
    expect(await userNameToAppear()).toBeVisible();
  });
});

describe("an answer that does not come", () => {
  it("is given up after 75 s of silence, and can be asked for again", async () => {
    page = await openSignedIn();
    page.server.failNext({
      method: "POST",
      path: /stream$/,
      answer: (signal) =>
        new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error))),
    });
    jest.useFakeTimers();
    try {
      const field = screen.getByRole("textbox", { name: "Message" });
      fireEvent.input(field, { target: { value: "add Tea" } });
      fireEvent.keyDown(field, { key: "Enter" });
      await jest.advanceTimersByTimeAsync(74_900);
      expect(screen.getByText("Answering…")).toBeInTheDocument();
      expect(screen.queryByRole("alert")).toBeNull();
      await jest.advanceTimersByTimeAsync(200);
      expect(screen.getByRole("alert")).toHaveTextContent("The server took too long to answer. Try again.");
      fireEvent.click(screen.getByRole("button", { name: "Try again" }));
      await jest.advanceTimersByTimeAsync(0);
    } finally {
      jest.useRealTimers();
    }
    expect(await screen.findByRole("checkbox", { name: "Tea" })).toBeVisible();
    const keys = page.server.seen.filter(({ path }) => path.endsWith("/stream")).map(({ key }) => key);
    expect(keys[0]).toBe(keys[1]);
  });
});

describe("without a network", () => {
  it("says so until it is back, then loads again", async () => {
    page = await openSignedIn();
    window.dispatchEvent(new Event("offline"));
    expect(screen.getByRole("alert")).toHaveTextContent("You are offline.");
    expect(await axe(page.root)).toHaveNoViolations();
    page.server.addTask("ada", "From the phone");
    window.dispatchEvent(new Event("online"));
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByRole("status")).toHaveTextContent("Back online.");
    expect(await screen.findByRole("checkbox", { name: "From the phone" })).toBeVisible();
  });

  it("does not repeat itself in every panel", async () => {
    page = await openSignedIn();
    window.dispatchEvent(new Event("offline"));
    for (const [method, path] of [
      ["POST", /stream$/],
      ["GET", /tasks$/],
      ["GET", /conversations$/],
    ] as const) {
      page.server.failNext({ method, path, answer: () => Promise.reject(new TypeError("fetch failed")) });
    }
    await page.user.type(screen.getByRole("textbox", { name: "Message" }), "hello{Enter}");
    await waitFor(() => expect(page.server.seen.at(-1)?.path).toBe("/api/ada/conversations"));
    const alerts = screen.getAllByRole("alert").map((alert) => alert.textContent);
    expect(alerts).toHaveLength(2);
    expect(alerts[0]).toContain("You are offline.");
    expect(alerts[1]).toContain("Try again");
  });

  it("says so from the start, also before anybody signed in", () => {
    jest.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    page = openPage();
    expect(screen.getByRole("alert")).toHaveTextContent("You are offline.");
    window.dispatchEvent(new Event("online"));
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("the frame", () => {
  it("changes its colours by button, says which, and remembers them", async () => {
    page = openPage();
    await page.user.click(screen.getByRole("button", { name: "Colours: system" }));
    await page.user.click(screen.getByRole("button", { name: "Colours: light" }));
    expect(document.documentElement).toHaveAttribute("data-theme", "dark");
    expect(screen.getByRole("status")).toHaveTextContent("Colours: dark.");
    page.reload();
    expect(screen.getByRole("button", { name: "Colours: dark" })).toBeVisible();
  });

  it("switches between chat and tasks on a narrow screen, and counts what is pending", async () => {
    const server = new StandInApi();
    server.addTask("ada", "One");
    page = await openSignedIn(server);
    const tasks = await screen.findByRole("button", { name: "Tasks 1" });
    expect(tasks).toHaveAttribute("aria-pressed", "false");
    await page.user.click(tasks);
    expect(tasks).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByRole("main")).toHaveAttribute("data-panel", "tasks");
    await page.user.click(screen.getByRole("button", { name: "Chat" }));
    expect(screen.getByRole("main")).toHaveAttribute("data-panel", "chat");
  });

  it("stops listening and showing when it is taken down", async () => {
    page = await openSignedIn();
    page.close();
    expect(page.root).toBeEmptyDOMElement();
    window.dispatchEvent(new Event("offline"));
    await waitFor(() => expect(page.root).toBeEmptyDOMElement());
  });
});

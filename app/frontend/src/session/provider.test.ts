/** Signing in and out with an identity provider: the browser's cookie is all that speaks for a person. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { screen, waitFor } from "@testing-library/dom";
import { axe } from "jest-axe";
import { openPage, type Page, providerServer } from "../testing/page.ts";
import { failure } from "../testing/stand-in-api.ts";

const ada = { user_id: "sub-ada", name: "Ada Lovelace" };
const ended = () => Promise.resolve(failure(401, "session_ended", "You are no longer signed in. Sign in again."));
const broken = () => Promise.reject(new TypeError("fetch failed"));

let page: Page;
afterEach(() => page.close());

const link = () => screen.findByRole("link", { name: "Sign in" });
const message = () => screen.findByRole("textbox", { name: "Message" });
const asked = (path: string) => page.server.seen.filter((each) => each.path === path);

/** The page of somebody whose cookie has a session. */
async function openAda(): Promise<Page> {
  page = openPage(providerServer(ada));
  await screen.findByText("No tasks yet");
  return page;
}

describe("somebody who is not signed in", () => {
  it("is offered the way to the provider, and no name field", async () => {
    window.history.replaceState(null, "", "/some/where?a=b");
    page = openPage(providerServer(null));
    expect(await link()).toHaveAttribute("href", "/api/auth/login?next=%2Fsome%2Fwhere%3Fa%3Db");
    expect(screen.queryByRole("textbox")).toBeNull();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(await axe(page.root)).toHaveNoViolations();
    window.history.replaceState(null, "", "/");
  });

  it("is told when the session is over", async () => {
    const server = providerServer(null);
    server.failNext({ method: "GET", path: /session/, answer: ended });
    page = openPage(server);
    expect(await screen.findByRole("alert")).toHaveTextContent("You are no longer signed in. Sign in again.");
    expect(await link()).toHaveFocus();
  });

  it("can have the server asked again when it did not answer", async () => {
    const server = providerServer(ada);
    server.failNext({ method: "GET", path: /session/, answer: broken });
    page = openPage(server);
    expect(await screen.findByRole("alert")).toHaveTextContent("The server could not be reached.");
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await message()).toHaveFocus();
  });

  it("may use the development login beside it where there is one", async () => {
    const server = providerServer(null);
    server.info = { ...server.info, dev_login: true };
    page = openPage(server);
    expect(await link()).toBeVisible();
    await page.user.type(screen.getByRole("textbox", { name: "User name" }), "ben{Enter}");
    expect(await screen.findByText("ben")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Sign out everywhere" })).toBeNull();
  });
});

describe("somebody whose cookie has a session", () => {
  it("is at work at once, by name, and no token is kept anywhere", async () => {
    await openAda();
    expect(screen.getByText("Ada Lovelace")).toBeVisible();
    expect(localStorage).toHaveLength(0);
    expect(sessionStorage).toHaveLength(0);
    await page.user.type(screen.getByRole("textbox", { name: "New task" }), "by cookie{Enter}");
    expect(await screen.findByRole("checkbox", { name: "by cookie" })).toBeVisible();
    expect(await axe(page.root)).toHaveNoViolations();
    page.reload();
    expect(await screen.findByRole("checkbox", { name: "by cookie" })).toBeVisible();
  });

  it.each([
    ["Sign out", "/api/auth/logout"],
    ["Sign out everywhere", "/api/auth/logout-everywhere"],
  ])("leaves by “%s”", async (name, path) => {
    await openAda();
    await page.user.click(screen.getByRole("button", { name }));
    expect(await link()).toHaveFocus();
    expect(asked(path)).toHaveLength(1);
    expect(screen.queryByRole("alert")).toBeNull();
    page.reload();
    expect(await link()).toBeVisible();
  });

  it("is not told to be signed out when the server did not hear it", async () => {
    await openAda();
    page.server.failNext({ method: "POST", path: /logout$/, answer: broken });
    await page.user.type(await message(), "half a thought");
    await page.user.click(screen.getByRole("button", { name: "Sign out" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("You are still signed in.");
    expect(await message()).toHaveValue("half a thought");
    expect(await axe(page.root)).toHaveNoViolations();
    await page.user.click(screen.getByRole("button", { name: "Sign out" }));
    expect(await link()).toBeVisible();
  });

  it("is signed out when the server says that there was no session to end", async () => {
    await openAda();
    page.server.failNext({ method: "POST", path: /everywhere$/, answer: ended });
    await page.user.click(screen.getByRole("button", { name: "Sign out everywhere" }));
    expect(await link()).toBeVisible();
  });
});

describe("a session that ends in the middle", () => {
  it("is said, the screen is cleared, and the draft is there after signing in again", async () => {
    await openAda();
    page.server.addTask("sub-ada", "Secret plan");
    await page.user.type(await message(), "a long thought");
    page.server.failNext({ method: "POST", path: /tasks$/, answer: ended });
    await page.user.type(screen.getByRole("textbox", { name: "New task" }), "x{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "You are no longer signed in. Sign in again. What you typed is kept in this tab.",
    );
    expect(await link()).toHaveFocus();
    expect(screen.queryByText("Secret plan")).toBeNull();
    page.reload();
    expect(await message()).toHaveValue("a long thought");
    await screen.findByRole("checkbox", { name: "Secret plan" });
    page.reload();
    await screen.findByRole("checkbox", { name: "Secret plan" });
    expect(await message()).toHaveValue("");
  });

  it("keeps the message that was refused", async () => {
    await openAda();
    page.server.failNext({ method: "POST", path: /stream$/, answer: ended });
    await page.user.type(await message(), "add milk{Enter}");
    await link();
    page.reload();
    expect(await message()).toHaveValue("add milk");
    // It is in the field, so it is not offered to be sent a second time.
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  });

  it("shows the draft to nobody else", async () => {
    await openAda();
    await page.user.type(await message(), "for my eyes only");
    page.server.failNext({ method: "POST", path: /tasks$/, answer: ended });
    await page.user.type(screen.getByRole("textbox", { name: "New task" }), "x{Enter}");
    await link();
    page.server.browserUser = { user_id: "ben", name: "Ben" };
    page.reload();
    expect(await message()).toHaveValue("");
    page.server.browserUser = ada;
    page.reload();
    expect(await message()).toHaveValue("");
  });

  it("leaves no draft behind after signing out", async () => {
    await openAda();
    await page.user.type(await message(), "for my eyes only");
    await page.user.click(screen.getByRole("button", { name: "Sign out" }));
    await waitFor(() => expect(sessionStorage).toHaveLength(0));
  });
});

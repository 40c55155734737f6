import { screen, waitFor } from "@testing-library/dom";
import { type UserEvent, userEvent } from "@testing-library/user-event";
import { mount } from "../app/mount.ts";
import { StandInApi } from "./stand-in-api.ts";

export interface Page {
  server: StandInApi;
  user: UserEvent;
  root: HTMLElement;
  close: () => void;
  /** Takes the page down and opens it again in the same tab. */
  reload: () => void;
}

/** A server behind an identity provider; `user` is whoever the browser's cookie speaks for. */
export function providerServer(user: StandInApi["browserUser"]): StandInApi {
  const server = new StandInApi();
  server.info = { ...server.info, environment: "production", dev_login: false, sign_in: "oidc" };
  server.browserUser = user;
  return server;
}

/** The whole page in an empty tab, against a stand-in server of its own. */
export function openPage(server = new StandInApi()): Page {
  document.body.replaceChildren();
  localStorage.clear();
  sessionStorage.clear();
  const root = document.createElement("div");
  document.body.append(root);
  const open = () => mount(root, { fetch: server.fetch, window });
  let close = open();
  return {
    server,
    user: userEvent.setup(),
    root,
    close: () => close(),
    reload() {
      close();
      close = open();
    },
  };
}

/** The page after Ada signed in and her tasks were loaded. */
export async function openSignedIn(server = new StandInApi()): Promise<Page> {
  const page = openPage(server);
  await page.user.type(await screen.findByLabelText("User name"), "ada{Enter}");
  await screen.findByRole("heading", { name: "Tasks" });
  await waitFor(() => {
    if (screen.queryByText("Loading tasks…") !== null) throw new Error("the tasks are still loading");
  });
  return page;
}

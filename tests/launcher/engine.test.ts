/**
 * The embedded engine's life on a machine of its own: start, use, stop, and every way to be cut off in between. Builds are
 * the user's, or made here. Root is needed, as it is for the embedded engine.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { cacheFolder } from "./fixtures/cache.ts";
import { ENDS_WITHIN, Machine, moment, type Snapshot } from "./fixtures/machine.ts";

// Several starts and stops in one test take long on a machine that is busy with other things.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let cache: string;
let machine: Machine;
let id: string;
let untouched: Snapshot;

/** A first build takes minutes; with the user's builds this takes seconds. */
beforeAll(async () => {
  cache = cacheFolder();
  machine = await Machine.boot(cache);
  const before = machine.snapshot("");
  const { code, output } = await machine.run(["engine", "start"]);
  expect(code, output).toBe(0);
  id = String(/engine ([0-9a-f]{8}) listens at unix:/.exec(output)?.[1]);
  const stopped = await machine.run(["engine", "stop"]);
  expect(stopped.code, stopped.output).toBe(0);
  untouched = { ...before, controlGroups: [] };
}, 900_000);

afterAll(async () => {
  await machine?.run(["engine", "stop"]);
  await machine?.[Symbol.asyncDispose]();
  rmSync(cache, { recursive: true, force: true });
});

const paths = () => {
  const root = join(cache, "engines", id);
  return { state: join(root, "engine.json"), socket: join(root, "socket", "engine.sock"), namespace: join(root, "netns"), mirror: join(root, "mirror", "server.json") };
};

/** Leaves the machine as it was, and says so. */
async function expectStopLeavesNothing(): Promise<void> {
  const { code, output } = await machine.run(["engine", "stop"]);
  expect(code, output).toBe(0);
  expect(output).toContain("stopped");
  expect(machine.snapshot(id)).toEqual(untouched);
}

const engineState = () => JSON.parse(readFileSync(paths().state, "utf8"));

describe("a running engine", () => {
  beforeAll(async () => {
    const { code, output } = await machine.run(["engine", "start"]);
    expect(code, output).toBe(0);
  });

  it("has changed the machine in the ways that stop takes back", () => {
    const now = machine.snapshot(id);
    expect(now.links).toHaveLength(untouched.links.length + 1);
    expect(now.mounts).toHaveLength(untouched.mounts.length + 1);
    expect(now.firewall).toHaveLength(3);
    expect(now.controlGroups.length).toBeGreaterThan(0);
    expect([untouched.forwarding, now.forwarding]).toEqual(["0", "1"]);
  });

  it("is told by status, with exit code 0", async () => {
    expect(await machine.run(["engine", "status"])).toMatchObject({ code: 0, output: expect.stringMatching(new RegExp(`^engine ${id}: runs, process \\d+, unix://${paths().socket}, image mirror at [\\d.]+, containers in [\\d.]+/16$`)) });
  });

  it("is found by the next start and not started again", async () => {
    const { pid } = engineState();
    const { code, output } = await machine.run(["engine", "start"]);
    expect(code, output).toBe(0);
    expect(engineState().pid).toBe(pid);
  });

  it("runs a container from the offline base image", async () => {
    const { code, output } = await machine.run(["--silent", "core", "container", "from", "--address=debian:bookworm-slim", "with-exec", "--args=cat,/etc/os-release", "stdout"]);
    expect(code, output).toBe(0);
    expect(output).toContain("VERSION_CODENAME=bookworm");
  });

  it.each([{ argv: ["core", "nosuch"], code: 1 }, { argv: ["nosuch"], code: 1 }])("passes on Dagger's own error and exit code of $argv", async ({ argv, code }) => {
    const result = await machine.run(argv);
    expect(result.output).toMatch(/unknown command (or file )?\\?"nosuch/);
    expect(result.code).toBe(code);
  });

  it("passes on the exit code of a command in a container", async () => {
    const { code } = await machine.run(["core", "container", "from", "--address=debian:bookworm-slim", "with-exec", "--args=sh,-c,exit 7", "stdout"]);
    expect(code).toBe(7);
  });

  it("keeps at most 30 GiB in its cache, whatever the size of the disk", async () => {
    const { code, output } = await machine.run(["--silent", "core", "engine", "local-cache", "max-used-space"]);
    expect(code, output).toBe(0);
    expect(Number(output.trim().split("\n").at(-1)), output).toBe(30 * 2 ** 30);
  });

  it("gets its image mirror back on the same port when that died", async () => {
    const { pid } = engineState();
    const { port } = JSON.parse(readFileSync(paths().mirror, "utf8"));
    const [mirror] = machine.processesWith("mirror-server.mjs");
    machine.shell(`kill -9 ${mirror}`);
    await machine.run(["engine", "start"]);
    expect(machine.processesWith("mirror-server.mjs")).toHaveLength(1);
    expect(JSON.parse(readFileSync(paths().mirror, "utf8")).port).toBe(port);
    expect(engineState().pid).toBe(pid);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends a long call at %s, and takes the next one", async (signal) => {
    const call = machine.launch(["core", "container", "from", "--address=debian:bookworm-slim", "with-exec", `--args=sleep,54${signal === "SIGINT" ? 321 : 322}`, "stdout"]);
    const running = () => machine.processesWith("sleep 5432").length > 0;
    await moment("the container runs", running, 60_000);
    // A terminal's interrupt goes to the whole group, another program's signal to the launcher alone.
    if (signal === "SIGINT") machine.interrupt(call);
    else machine.signal(call, signal);
    const ended = await Promise.race([call.ended, sleep(ENDS_WITHIN, "still running", { ref: false })]);
    expect(ended, call.output()).toBe(signal === "SIGINT" ? 130 : 143);
    await moment("the container has ended", () => !running(), ENDS_WITHIN);
    const next = await machine.run(["--silent", "core", "version"]);
    expect(next).toMatchObject({ code: 0, output: expect.stringContaining("v0.19.10") });
  });

  it("is stopped although its state file is broken", async () => {
    writeFileSync(paths().state, '{"pid": 12');
    expect((await machine.run(["engine", "status"])).code).toBe(1);
    await expectStopLeavesNothing();
  });
});

describe("a stopped engine", () => {
  it("is told by status, with exit code 1", async () => {
    await machine.run(["engine", "stop"]);
    expect(await machine.run(["engine", "status"])).toEqual({ code: 1, output: `engine ${id}: stopped` });
  });

  it("is stopped again without a complaint", expectStopLeavesNothing);

  it.each([
    { name: "the file of a process that is gone", content: '{"pid":4194305,"startTime":"17"}' },
    { name: "the file of a process whose number another one has", content: '{"pid":1,"startTime":"17"}' },
    { name: "a file that is not JSON", content: "engine" },
    { name: "a file of something else", content: '["engine"]' },
  ])("counts as stopped with $name", async ({ content }) => {
    writeFileSync(paths().state, content);
    writeFileSync(paths().socket, "");
    expect(await machine.run(["engine", "status"])).toMatchObject({ code: 1 });
  });

  it.each(['{"pid":1,"startTime":"17"}', '["engine"]'])("is stopped with the stale state %s: it goes, and the process that has the number stays", async (content) => {
    writeFileSync(paths().state, content);
    writeFileSync(paths().socket, "");
    // The machine's first process has number 1; were it killed, nothing would answer any more.
    await expectStopLeavesNothing();
    expect([paths().state, paths().socket].filter(existsSync)).toEqual([]);
  });

  it("starts over a stale socket and a stale state file", async () => {
    writeFileSync(paths().state, JSON.stringify({ pid: 1, startTime: "17" }));
    writeFileSync(paths().socket, "");
    expect((await machine.run(["engine", "start"])).code).toBe(0);
    expect((await machine.run(["engine", "status"])).code).toBe(0);
    await expectStopLeavesNothing();
  });
});

describe("a launcher that is killed while it starts the engine leaves nothing that stop does not take away", () => {
  afterEach(expectStopLeavesNothing);

  it.each([
    { at: "the network namespace is made", reached: () => existsSync(paths().namespace) },
    { at: "the firewall is changed", reached: () => machine.shell("iptables-save").includes("MASQUERADE") },
    { at: "the image mirror is started", reached: () => machine.processesWith("mirror-server.mjs").length > 0 },
    { at: "the engine's process is on its way into its control group", reached: () => machine.processesWith("enter.sh").length > 0 },
    { at: "the state is written", reached: () => existsSync(paths().state) },
  ])("when $at", async ({ at, reached }) => {
    const launcher = machine.launch(["engine", "start"]);
    await moment(at, reached);
    machine.signal(launcher, "SIGKILL");
    await launcher.ended;
  });

  it("and one that is interrupted takes it away by itself", async () => {
    const launcher = machine.launch(["engine", "start"]);
    await moment("the firewall is changed", () => machine.shell("iptables-save").includes("MASQUERADE"));
    machine.interrupt(launcher);
    const ended = await Promise.race([launcher.ended, sleep(ENDS_WITHIN, "still running", { ref: false })]);
    expect(ended, launcher.output()).toBe(130);
    expect(launcher.output()).toContain("stopped by SIGINT");
    expect(machine.snapshot(id)).toEqual(untouched);
  });
});

describe("launchers and engines beside each other", () => {
  beforeEach(async () => void (await machine.run(["engine", "stop"])));

  it("two launchers at once start one engine, and the second says that it waits", async () => {
    const launchers = [machine.launch(["engine", "start"]), machine.launch(["engine", "start"])];
    expect(await Promise.all(launchers.map((launcher) => launcher.ended))).toEqual([0, 0]);
    expect(machine.processesWith("tini -g")).toHaveLength(1);
    expect(launchers.map((launcher) => launcher.output().includes(`waiting for another launcher, which holds ${join(cache, "lock")}`)).sort()).toEqual([false, true]);
  });

  it("an engine that is killed is started again by the next call", async () => {
    await machine.run(["engine", "start"]);
    machine.shell(`kill -9 ${machine.processesWith("tini -g").join(" ")}`);
    const { code, output } = await machine.run(["--silent", "core", "version"]);
    expect(code, output).toBe(0);
  });

  it("engines of two cache folders have different names, and stopping one leaves the other able to reach the network", async () => {
    const other = cacheFolder();
    try {
      await machine.run(["engine", "start"]);
      const second = await machine.run(["engine", "start"], { cacheDir: other });
      expect(second.code, second.output).toBe(0);
      const otherId = String(readdirSync(join(other, "engines"))[0]);
      expect(otherId).not.toBe(id);
      const both = machine.snapshot("");
      await machine.run(["engine", "stop"]);
      const left = machine.snapshot("");
      expect(left.forwarding).toBe("1");
      expect(left.links.filter((link) => link.includes(`tc${otherId}o`))).toHaveLength(1);
      expect([both.firewall.length, left.firewall.length]).toEqual([6, 3]);
      expect(left.firewall.every((rule) => rule.includes(otherId))).toBe(true);
      const stop = await machine.run(["engine", "stop"], { cacheDir: other });
      expect(stop.code, stop.output).toBe(0);
      expect(machine.snapshot(id)).toEqual(untouched);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  it("a start removes engines that were not used for two weeks, and clean all of them", async () => {
    const other = cacheFolder();
    const run = (verb: string) => machine.run(["engine", verb], { cacheDir: other });
    try {
      const engines = join(other, "engines");
      for (const [name, days] of [["0000dead", 15], ["0000beef", 13]] as const) {
        mkdirSync(join(engines, name, "state"), { recursive: true });
        const used = new Date(Date.now() - days * 24 * 3600 * 1000);
        utimesSync(join(engines, name), used, used);
      }
      expect((await run("start")).code).toBe(0);
      expect(readdirSync(engines)).toHaveLength(2);
      expect(readdirSync(engines)).toContain("0000beef");
      expect(await run("clean")).toMatchObject({ code: 0, output: expect.stringContaining(`removed the caches in ${other}`) });
      expect(readdirSync(other)).toEqual(["lock"]);
      expect(machine.snapshot(id)).toEqual(untouched);
      expect(await run("status")).toMatchObject({ code: 1, output: expect.stringContaining("no embedded engine in") });
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });
});

describe("a word after engine", () => {
  it.each([{ argv: ["engine"] }, { argv: ["engine", "restart"] }, { argv: ["engine", "stop", "now"] }])("$argv is refused with the usage", async ({ argv }) => {
    const { code, output } = await machine.run(argv);
    expect(code).toBe(3);
    expect(output).toMatch(/^engine: expected one of start, stop, status, clean, current value .*\n\nusage: npm run dagger/);
  });
});

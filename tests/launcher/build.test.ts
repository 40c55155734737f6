/** A launcher that is cut off in the middle of a build of Go modules. Root is needed, as it is for the embedded engine. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { both } from "../../scripts/launcher/embedded.mjs";
import { cacheFolder } from "./fixtures/cache.ts";
import { ENDS_WITHIN, moment } from "./fixtures/machine.ts";
import { LAUNCHER, processesWith, start, type Program } from "./fixtures/programs.ts";

let scratch: string;
let cache: string;
const started: Program[] = [];

/** A duration in s by which a compiler's child of this run is known among all processes of the machine. */
const mark = (test: number) => `600.${process.pid}${test}`;

/** A compiler that writes half of its output, and leaves the rest to a process of its own, which never ends. */
const SLOW_GO = (duration: string) => `#!/bin/sh
case $1 in
version) echo go version go1.26.99 linux/amd64 ;;
build)
  while [ "$1" != -o ]; do shift; done
  echo half >"$2/dagger"
  echo compiling
  sh -c 'sleep ${duration} & wait' &
  wait ;;
*) exit 2 ;;
esac
`;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "build-"));
  cache = cacheFolder(["engine-"]);
  mkdirSync(join(scratch, "bin"));
});

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
  for (const folder of [scratch, cache]) rmSync(folder, { recursive: true, force: true });
});

/** Starts the launcher and waits for the compiler's child. */
async function building(duration: string): Promise<Program> {
  writeFileSync(join(scratch, "bin", "go"), SLOW_GO(duration));
  chmodSync(join(scratch, "bin", "go"), 0o755);
  const env = { TODO_CHAT_CACHE_DIR: cache, PATH: `${join(scratch, "bin")}:${process.env["PATH"]}` };
  const launcher = start(process.execPath, [LAUNCHER, "--engine", "embedded", "core", "version"], { env, detached: true });
  started.push(launcher);
  await launcher.printed("▸ Dagger v0.19.10 command line and engine (Go modules)", 60_000);
  await moment("the compiler has a child", () => processesWith(`sleep\0${duration}`).length > 0);
  return launcher;
}

const builds = () => (existsSync(join(cache, "build")) ? readdirSync(join(cache, "build")) : []);

describe("a build that is cut off", () => {
  it("by SIGKILL leaves no process and nothing that is taken for finished; the next launcher removes what is there", async () => {
    const launcher = await building(mark(1));
    launcher.child.kill("SIGKILL");
    await moment("the compiler and its children have ended", () => processesWith(mark(1)).length === 0, ENDS_WITHIN);
    expect(builds().filter((name) => name.startsWith("engine-"))).toEqual([]);
    const leftovers = builds().filter((name) => name.startsWith(".tmp-"));
    expect(leftovers).toHaveLength(1);

    await building(mark(2));
    expect(builds().filter((name) => leftovers.includes(name))).toEqual([]);
  });

  it.each([
    { signal: "SIGINT", code: 130 },
    { signal: "SIGTERM", code: 143 },
  ] as const)("by $signal ends with its children, and leaves nothing", async ({ signal, code }) => {
    const launcher = await building(mark(3));
    if (signal === "SIGINT") process.kill(-Number(launcher.child.pid), signal);
    else launcher.child.kill(signal);
    const ended = await Promise.race([launcher.ended, sleep(ENDS_WITHIN, "still running", { ref: false })]);
    expect(ended, launcher.output()).toBe(code);
    expect(launcher.output()).toContain(`stopped by ${signal}`);
    await moment("the compiler and its children have ended", () => processesWith(mark(3)).length === 0, ENDS_WITHIN);
    expect(builds().filter((name) => name.startsWith("engine-") || name.startsWith(".tmp-"))).toEqual([]);
  });
});

describe("two builds at once", () => {
  const never = new AbortController().signal;
  const endless = (stop: AbortSignal) => new Promise<string>((_, reject) => stop.addEventListener("abort", () => reject(new Error("cut off by the other one"))));

  it("give both results", async () => {
    expect(await both(async () => 1, async () => "two", never)).toEqual([1, "two"]);
  });

  it.each(["first", "second"])("stop when the %s fails, and its failure is the one reported", async (which) => {
    const failing = () => Promise.reject(new Error("npm failed"));
    await expect(which === "first" ? both(failing, endless, never) : both(endless, failing, never)).rejects.toThrow("npm failed");
  });

  it("stop when the caller says so", async () => {
    const stop = new AbortController();
    const builds = both(endless, endless, stop.signal);
    stop.abort(new Error("interrupted"));
    await expect(builds).rejects.toThrow("interrupted");
  });
});

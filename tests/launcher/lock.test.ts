/** One launcher works at a time; the others wait, and no dead one keeps them waiting. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock } from "../../scripts/launcher/lock.mjs";
import { start, type Program } from "./fixtures/programs.ts";

let scratch: string;
let path: string;
const started: Program[] = [];

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(scratch, "cache", "lock");
});

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});

function holder(): Program {
  const program = start(process.execPath, [join(import.meta.dirname, "fixtures", "hold-lock.mjs"), path], { detached: true });
  started.push(program);
  return program;
}

describe("the lock", () => {
  it("makes the second wait, say so once, and go on when the first is done", async () => {
    const first = holder();
    await first.printed("held");
    const second = holder();
    await second.printed("waiting");
    expect(second.output()).toBe("waiting");
    first.child.stdin?.end();
    expect(await first.ended).toBe(0);
    await second.printed("held");
    expect(second.output()).toBe("waiting\nheld");
  });

  it("is released when its holder is killed", async () => {
    const first = holder();
    await first.printed("held");
    const second = holder();
    await second.printed("waiting");
    first.child.kill("SIGKILL");
    await second.printed("held");
  });

  it("is kept when the terminal's interrupt reaches the holder's group", async () => {
    const first = holder();
    await first.printed("held");
    process.kill(-Number(first.child.pid), "SIGINT");
    await first.printed("interrupted");
    const second = holder();
    await second.printed("waiting");
    expect(first.child.exitCode).toBeNull();
  });

  it("gives up waiting when it is told to stop", async () => {
    const first = holder();
    await first.printed("held");
    const stop = new AbortController();
    const waiting = acquireLock(path, { signal: stop.signal, onWait: () => stop.abort(new Error("interrupted")) });
    await expect(waiting).rejects.toThrow("interrupted");
    first.child.stdin?.end();
    await first.ended;
    const again = await acquireLock(path, { signal: new AbortController().signal, onWait: () => expect.unreachable("nobody holds it") });
    await again[Symbol.asyncDispose]();
  });
});

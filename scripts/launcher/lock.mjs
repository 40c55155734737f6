import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { LauncherError } from "./errors.mjs";

/**
 * Takes an exclusive lock on a file, waiting for whoever holds it. The kernel holds it for a helper process whose input is
 * this process's pipe, so it is released when this process ends, however it ends.
 * @param {string} path
 * @param {{ onWait: () => void, signal: AbortSignal }} options `onWait` is called once when somebody else holds the lock
 * @returns {Promise<AsyncDisposable>} dispose to release
 */
export async function acquireLock(path, { onWait, signal }) {
  await mkdir(dirname(path), { recursive: true });
  const held = await flock(path, ["--nonblock"], signal);
  if (held !== undefined) return held;
  onWait();
  const waited = await flock(path, [], signal);
  if (waited === undefined) throw new LauncherError(`the lock ${path} could not be taken`);
  return waited;
}

/** @param {string} path @param {string[]} options @param {AbortSignal} signal @returns {Promise<AsyncDisposable | undefined>} */
async function flock(path, options, signal) {
  signal.throwIfAborted();
  // In a session of its own: a terminal's interrupt must not release the lock while this process still works.
  const child = spawn("flock", ["--exclusive", "--no-fork", ...options, path, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const failed = new Promise((_, reject) => {
    child.once("error", (cause) => reject(new LauncherError(`flock (Debian package util-linux) cannot run: ${cause.message}`)));
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  failed.catch(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: /** @type {import("node:stream").Readable} */ (child.stdout) });
  const held = new Promise((resolve) => lines.once("line", () => resolve(true)));
  if (!(await Promise.race([held, exited.then(() => false), failed]))) return undefined;
  return {
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await exited;
    },
  };
}

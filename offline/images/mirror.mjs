import { execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cachedFolder, inputsKey } from "./cache.mjs";
import { isAlive } from "./process.mjs";
import { breakPromise, promiseReference, withdrawPromise, writeReference } from "./refs.mjs";

const SERVER = fileURLToPath(new URL("mirror-server.mjs", import.meta.url));

/** Longest wait in ms for the server process to listen, and for it to end. */
const START_TIMEOUT = 10_000;
const STOP_TIMEOUT = 5_000;

/**
 * A running mirror. `waits` says that it knows images that are still being built; one that an older launcher started does not.
 * @typedef {import("./process.mjs").ProcessIdentity & { address: string, port: number, waits?: boolean }} MirrorState
 */

/**
 * Starts the mirror as a process of its own that outlives this one. A mirror that already listens there is kept; one on
 * another address, or of an older launcher, is stopped first.
 * @param {{ mirrorDir: string, address: string, port?: number, logFile: string }} options `port` defaults to 0: any free one
 * @returns {Promise<MirrorState>}
 * @throws {Error} when it does not listen within 10 s, with the reason and the log's path
 */
export async function startMirror({ mirrorDir, address, port = 0, logFile }) {
  const running = await mirrorStatus({ mirrorDir });
  if (running !== undefined) {
    if (running.waits && running.address === address && (port === 0 || running.port === port)) return running;
    await stopMirror({ mirrorDir });
  }
  await mkdir(mirrorDir, { recursive: true });
  await mkdir(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a");
  // Only PATH from the environment: options meant for this process (NODE_OPTIONS) must not change the server.
  const child = spawn(process.execPath, [SERVER, mirrorDir, address, String(port)], {
    cwd: "/",
    detached: true,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  /** @type {{ state?: MirrorState, error?: string }} */
  const answer = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ error: `no answer within ${START_TIMEOUT / 1000} s` }), START_TIMEOUT);
    child.once("message", (message) => resolve(/** @type {{ state?: MirrorState, error?: string }} */ (message)));
    child.once("error", (error) => resolve({ error: error.message }));
    child.once("exit", (code, signal) => resolve({ error: `it ended with ${signal ?? `exit code ${code}`}` }));
    child.once("message", () => clearTimeout(timer));
    child.once("exit", () => clearTimeout(timer));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (answer.state !== undefined) return answer.state;
  child.kill("SIGKILL");
  throw new Error(`the image mirror did not start on ${address}:${port}: ${answer.error}; its log is ${logFile}`);
}

/**
 * @param {{ mirrorDir: string }} options
 * @returns {Promise<MirrorState | undefined>} undefined when none runs; a stale state file counts as none
 */
export async function mirrorStatus({ mirrorDir }) {
  try {
    /** @type {MirrorState} */
    const state = JSON.parse(await readFile(join(mirrorDir, "server.json"), "utf8"));
    return isAlive(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Stops the mirror if it runs and removes its state file; published images stay.
 * @param {{ mirrorDir: string }} options
 * @throws {Error} when the process does not end within 5 s of SIGTERM and then SIGKILL
 */
export async function stopMirror({ mirrorDir }) {
  const state = await mirrorStatus({ mirrorDir });
  if (state !== undefined) {
    for (const signal of /** @type {const} */ (["SIGTERM", "SIGKILL"])) {
      process.kill(state.pid, signal);
      if (await ended(state)) break;
    }
    if (isAlive(state)) throw new Error(`the image mirror, process ${state.pid}, did not end; stop it by hand: kill -9 ${state.pid}`);
  }
  await rm(join(mirrorDir, "server.json"), { force: true });
}

/** @param {MirrorState} state */
async function ended(state) {
  const deadline = Date.now() + STOP_TIMEOUT;
  while (isAlive(state) && Date.now() < deadline) await sleep(20);
  return !isAlive(state);
}

/**
 * Offers built images under their names.
 * @param {{ mirrorDir: string, images: import("./bases.mjs").BuiltImage[] }} options
 */
export async function publish({ mirrorDir, images }) {
  for (const image of images) await writeReference(mirrorDir, image);
}

/**
 * Offers an image that is still being built: whoever asks for it waits, as long as this process lives, until it is published.
 * @param {{ mirrorDir: string, name: string, tag: string, signal: AbortSignal }} options `signal` cuts the build off
 * @param {() => Promise<import("./bases.mjs").BuiltImage>} build
 * @returns {Promise<{ published: Promise<void> }>} resolved when it may be asked for; `published` rejects with the build's error, which
 *   those who wait are told too. After a build that was cut off, the name means what it meant before: another run may need that
 */
export async function publishLater({ mirrorDir, name, tag, signal }, build) {
  await promiseReference(mirrorDir, { name, tag });
  const published = build().then(
    (image) => publish({ mirrorDir, images: [image] }),
    async (error) => {
      if (signal.aborted) await withdrawPromise(mirrorDir, { name, tag });
      else await breakPromise(mirrorDir, { name, tag }, String(error instanceof Error ? error.message : error).split("\n")[0] ?? "");
      throw error;
    },
  );
  published.catch(() => undefined);
  return { published };
}

/**
 * Offers an OCI layout folder, or an OCI archive (a tar file of a layout, possibly compressed), under a name. An archive is
 * unpacked once into `<cacheDir>/images/`.
 * @param {{ mirrorDir: string, cacheDir: string, path: string, name: string, tag: string }} options
 *   `name` as in a Dockerfile, without `library/`; for another registry than Docker Hub with that registry's host in front
 * @throws {Error} when the path holds no OCI layout with exactly one manifest
 */
export async function publishLayout({ mirrorDir, cacheDir, path, name, tag }) {
  await writeReference(mirrorDir, { name, tag, layout: await layoutFolder(path, join(cacheDir, "images")) });
}

/** @param {string} path @param {string} root */
async function layoutFolder(path, root) {
  const info = await stat(path);
  if (info.isDirectory()) return path;
  const entry = { root, name: "archive", key: inputsKey([path, info.size, info.mtimeMs]) };
  const { path: folder } = await cachedFolder(entry, async (temporary) => {
    await promisify(execFile)("tar", ["--extract", "--file", path, "--directory", temporary]);
  });
  return folder;
}

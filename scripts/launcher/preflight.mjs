import { execFile } from "node:child_process";
import { statfs, mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { run } from "../../offline/images/command.mjs";
import { LauncherError } from "./errors.mjs";

/** Oldest Go that builds the engine and the cluster. */
export const GO_MINIMUM = [1, 26];

/** Space in GiB that a first build and its caches take, and below which an engine that was built has no room to work. */
const DISK_FIRST_BUILD = 15;
const DISK_MINIMUM = 1;

/** Longest wait in s for another apt or dpkg to end. */
const APT_LOCK_TIMEOUT = 300;

/**
 * What the machine is and has; read once, judged by `problems`.
 * @typedef {{ platform: string, arch: string, uid: number, go: string | undefined, freeGiB: number, cacheDir: string, missing: string[], built: boolean }} Machine
 *   `go` is the output of `go version`, `missing` the Debian packages that are not installed, `built` whether the engine exists
 */

/**
 * @param {Machine} machine
 * @returns {string | undefined} the first reason why the embedded engine cannot be had here, with what to do
 */
export function problem({ platform, arch, uid, go, freeGiB, cacheDir, missing, built }) {
  const unfit = unfitness({ platform, arch, uid });
  if (unfit !== undefined) return unfit;
  if (missing.length > 0) return `Debian packages are missing; run: apt-get update && apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (go === undefined) return `no Go on the PATH; the embedded engine is built with Go ${GO_MINIMUM.join(".")} or newer: install it, then run the same command again`;
  const version = goRelease(go);
  if (!atLeast(version, GO_MINIMUM)) return `Go ${version} is too old; the embedded engine is built with Go ${GO_MINIMUM.join(".")} or newer: install that, then run the same command again`;
  const free = `only ${freeGiB.toFixed(1)} GiB are free in ${cacheDir}`;
  if (!built && freeGiB < DISK_FIRST_BUILD) return `${free}; the first build takes up to ${DISK_FIRST_BUILD} GiB: free some space, or set TODO_CHAT_CACHE_DIR to another disk`;
  if (freeGiB < DISK_MINIMUM) return `${free}; the engine needs ${DISK_MINIMUM} GiB to work: free some space, or remove its caches with npm run engine -- clean`;
  return undefined;
}

/**
 * What must hold before anything is written or locked.
 * @param {Pick<Machine, "platform" | "arch" | "uid">} machine
 * @param {string[]} [argv] arguments of the launcher, for the command to run
 * @returns {string | undefined} why this user on this machine cannot have the embedded engine, with what to do
 */
export function unfitness({ platform, arch, uid }, argv = []) {
  const otherwise = "or install Docker and the dagger CLI";
  if (platform !== "linux" || arch !== "x64") return `the embedded engine needs Linux on x86-64, this machine is ${platform} on ${arch}: take such a machine, ${otherwise}`;
  if (uid === 0) return undefined;
  const command = ["sudo", "env", '"PATH=$PATH"', "node", "scripts/dagger.mjs", ...argv.map(quoted)].join(" ");
  return `the embedded engine needs root for namespaces and mounts; run: ${command} (${otherwise})`;
}

/** @param {string} argument @returns {string} as a shell reads it back */
function quoted(argument) {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** @returns {Pick<Machine, "platform" | "arch" | "uid">} */
export function thisMachine() {
  return { platform: process.platform, arch: process.arch, uid: process.getuid?.() ?? -1 };
}

/** @param {string} text `go version go1.26.8 linux/amd64` @returns {string} `1.26.8` */
export function goRelease(text) {
  return /go(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1] ?? "0.0";
}

/** @param {string} version @param {number[]} minimum */
function atLeast(version, [major = 0, minor = 0]) {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

/**
 * Reads the machine and, as root, installs the Debian packages it lacks.
 * @param {{ cacheDir: string, packages: string[], built: boolean, progress: import("../../offline/images/layers.mjs").Progress, signal: AbortSignal }} options
 * @returns {Promise<{ goVersion: string }>}
 * @throws {LauncherError} what is wrong with the machine @throws {import("../../offline/images/command.mjs").BuildError} when apt fails
 */
export async function prepareMachine({ cacheDir, packages, built, progress, signal }) {
  await mkdir(cacheDir, { recursive: true });
  const { bavail, bsize } = await statfs(cacheDir);
  const machine = {
    ...thisMachine(),
    go: await goVersion(),
    freeGiB: (bavail * bsize) / 2 ** 30,
    cacheDir,
    built,
  };
  let missing = await missingPackages(packages);
  // What packages cannot mend is said before any is installed.
  const fatal = problem({ ...machine, missing: [] });
  if (fatal !== undefined) throw new LauncherError(fatal);
  if (missing.length > 0) {
    await installPackages(missing, { cacheDir, progress, signal });
    missing = await missingPackages(packages);
  }
  const reason = problem({ ...machine, missing });
  if (reason !== undefined) throw new LauncherError(reason);
  return { goVersion: goRelease(/** @type {string} */ (machine.go)) };
}

/** @returns {Promise<string | undefined>} */
async function goVersion() {
  try {
    return (await promisify(execFile)("go", ["version"], { env: { ...process.env, GOTOOLCHAIN: "local" } })).stdout.trim();
  } catch {
    return undefined;
  }
}

/** @param {string[]} packages @returns {Promise<string[]>} those that dpkg does not list as installed */
async function missingPackages(packages) {
  const installed = await promisify(execFile)("dpkg-query", ["--show", "--showformat", "${Package} ${db:Status-Status}\n"]).then(
    ({ stdout }) => new Set(stdout.split("\n").filter((line) => line.endsWith(" installed")).map((line) => line.split(" ")[0])),
    () => new Set(),
  );
  return [...new Set(packages)].filter((name) => !installed.has(name)).sort();
}

/** @param {string[]} packages @param {{ cacheDir: string, progress: import("../../offline/images/layers.mjs").Progress, signal: AbortSignal }} options */
async function installPackages(packages, { cacheDir, progress, signal }) {
  const name = `Debian packages ${packages.join(" ")} (apt)`;
  const handle = progress.step(name);
  await mkdir(`${cacheDir}/logs`, { recursive: true });
  const step = { name, logFile: `${cacheDir}/logs/apt.log`, log: handle.log, signal };
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    // An installation that was cut off before must be finished first, and another apt may be at work.
    await run(step, "apt", ["dpkg", "--configure", "-a"], { env });
    await run(step, "apt", ["apt-get", "update"], { env });
    await run(step, "apt", ["apt-get", "install", "-o", `DPkg::Lock::Timeout=${APT_LOCK_TIMEOUT}`, "--yes", "--no-install-recommends", ...packages], { env });
    handle.done({ cached: false });
  } catch (error) {
    handle.fail(error);
    throw error;
  }
}

import { execFile } from "node:child_process";
import { statfs, mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { run } from "../../offline/images/command.mjs";
import { LauncherError } from "./errors.mjs";

/** Oldest Go that builds the engine and the cluster. */
export const GO_MINIMUM = [1, 26];

/** Space in GiB that a first build and its caches take. */
const DISK_MINIMUM = 15;

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
  if (platform !== "linux" || arch !== "x64") return `the embedded engine needs Linux on x86-64, this machine is ${platform} on ${arch}; install Docker and the dagger CLI`;
  if (uid !== 0) return "the embedded engine needs root for namespaces and mounts; run: sudo --preserve-env=PATH npm run ci (or install Docker and the dagger CLI)";
  if (missing.length > 0) return `Debian packages are missing; run: apt-get update && apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (go === undefined) return `no Go on the PATH; the embedded engine is built with Go ${GO_MINIMUM.join(".")} or newer: install it, then run the same command again`;
  const version = goRelease(go);
  if (!atLeast(version, GO_MINIMUM)) return `Go ${version} is too old; the embedded engine is built with Go ${GO_MINIMUM.join(".")} or newer`;
  if (!built && freeGiB < DISK_MINIMUM) return `only ${freeGiB.toFixed(1)} GiB are free in ${cacheDir}; the first build takes up to ${DISK_MINIMUM} GiB: free some space, or set TODO_CHAT_CACHE_DIR to another disk`;
  return undefined;
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
    platform: process.platform,
    arch: process.arch,
    uid: process.getuid?.() ?? -1,
    go: await goVersion(),
    freeGiB: (bavail * bsize) / 2 ** 30,
    cacheDir,
    built,
  };
  let missing = built ? [] : await missingPackages(packages);
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
    await run(step, "apt", ["apt-get", "update"], { env });
    await run(step, "apt", ["apt-get", "install", "--yes", "--no-install-recommends", ...packages], { env });
    handle.done({ cached: false });
  } catch (error) {
    handle.fail(error);
    throw error;
  }
}

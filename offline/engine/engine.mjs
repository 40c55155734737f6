import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { cp, link, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cachedFolder, inputsKey } from "../images/cache.mjs";
import { publish, startMirror, stopMirror } from "../images/mirror.mjs";
import { isAlive, processStartTime } from "../images/process.mjs";
import { createNetwork, hostNames, killProcesses, removeNetwork } from "./host.mjs";

const ENTER = fileURLToPath(new URL("enter.sh", import.meta.url));

/** Debian packages that the engine runs with. */
export const requiredPackages = ["runc", "containernetworking-plugins", "dnsmasq-base", "iptables", "iproute2", "git", "tini", "util-linux"];

const CNI_PLUGINS = ["bridge", "loopback", "firewall", "host-local"].map((name) => `/usr/lib/cni/${name}`);
const PROGRAMS = [...CNI_PLUGINS, "/usr/sbin/runc", "/usr/bin/tini"];

/** Longest waits in ms: for the engine to listen, and for it to end by itself before it is killed. */
const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 4_000;

/** A stopped engine that nobody used during this time, in ms, is removed: it belongs to older builds. */
const UNUSED_AFTER = 14 * 24 * 3600 * 1000;

/**
 * Of the engine's cache: what is never collected, what is kept at most, and how much of the disk is left free; GB are GiB here.
 * All of `npm test` takes 22, builds outside this cache included. The engine's own limit is three quarters of the disk.
 */
const CACHE_SPACE = { reservedSpace: "10GB", maxUsedSpace: "30GB", minFreeSpace: "10GB" };

/** Longest path of a socket, in bytes, that the kernel takes (unix(7)). */
const SOCKET_PATH_LIMIT = 107;

/**
 * A running engine. `address` and `port` are the image mirror's, `containers` the network of the engine's containers.
 * @typedef {import("../images/process.mjs").ProcessIdentity & { id: string, socket: string, address: string, port: number, containers: string, privileged?: boolean }} EngineState
 */

/** @param {string} cacheDir @param {string} id */
function folders(cacheDir, id) {
  const root = join(cacheDir, "engines", id);
  return {
    root,
    state: join(root, "state"),
    socketDir: join(root, "socket"),
    socket: join(root, "socket", "engine.sock"),
    mirror: join(root, "mirror"),
    config: join(root, "engine.toml"),
    log: join(root, "engine.log"),
    stateFile: join(root, "engine.json"),
    namespace: join(root, "netns"),
  };
}

/**
 * Identity of an engine, part of all its names on the machine: the same builds in the same cache folder give the same
 * engine, whichever clone asks; other builds or another cache folder give one with other names and another state.
 * @param {{ cacheDir: string, keys: string[] }} options `cacheDir` must exist
 * @returns {string} eight hexadecimal digits
 */
export function engineId({ cacheDir, keys }) {
  return inputsKey([realpathSync(cacheDir), ...keys]).slice(0, 8);
}

/**
 * @param {{ cacheDir: string, id: string }} options
 * @returns {Promise<EngineState | undefined>} undefined when it does not run, or no longer accepts connections
 */
export async function engineStatus({ cacheDir, id }) {
  const { stateFile, socket } = folders(cacheDir, id);
  const state = await readState(stateFile);
  return state !== undefined && isAlive(state) && (await accepts(socket)) ? state : undefined;
}

/** @param {string} stateFile @returns {Promise<EngineState | undefined>} undefined when there is none, or it is not one */
async function readState(stateFile) {
  try {
    const state = JSON.parse(await readFile(stateFile, "utf8"));
    return Number.isSafeInteger(state?.pid) && typeof state.startTime === "string" ? state : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} socket @returns {Promise<boolean>} */
function accepts(socket) {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false)).once("close", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });
}

/**
 * Starts the engine, or gives the one that runs. The caller holds the launcher's lock.
 * @param {{ cacheDir: string, id: string, bin: string, content: string, environment: Record<string, string>, privileged?: boolean, images: import("../images/bases.mjs").BuiltImage[], progress: import("../images/layers.mjs").Progress, signal: AbortSignal }} options
 * @returns {Promise<EngineState>}
 * @throws {Error} when it ends, or does not listen within 60 s, with the last lines of its log; what was made is taken away again
 */
export async function startEngine({ cacheDir, id, bin, content, environment, privileged = true, images, progress, signal }) {
  const paths = folders(cacheDir, id);
  const runtime = await runtimeFolder(cacheDir, bin);
  await mkdir(paths.root, { recursive: true });
  await utimes(paths.root, new Date(), new Date()); // the time of last use, for removeUnusedEngines
  await publish({ mirrorDir: paths.mirror, images });
  const mirrorOptions = { mirrorDir: paths.mirror, logFile: join(paths.root, "mirror.log") };
  const running = await engineStatus({ cacheDir, id });
  if (running !== undefined && (running.privileged ?? true) === privileged) {
    // The engine's configuration names the mirror's port, so a mirror that died gets it back. One that runs is kept.
    await startMirror({ ...mirrorOptions, address: running.address, port: running.port });
    return running;
  }

  const handle = progress.step("engine start");
  try {
    if (Buffer.byteLength(paths.socket) > SOCKET_PATH_LIMIT) throw new Error(`the engine's socket path is longer than the kernel allows: ${paths.socket}; set TODO_CHAT_CACHE_DIR to a shorter folder`);
    await stopEngine({ cacheDir, id });
    for (const folder of [paths.state, paths.socketDir]) await mkdir(folder, { recursive: true });
    const network = await createNetwork(id, paths.namespace);
    const mirror = await startMirror({ ...mirrorOptions, address: network.outside });
    await writeFile(paths.config, engineConfig(`${mirror.address}:${mirror.port}`, privileged));
    const state = await launch({ id, paths, network, port: mirror.port, bin: runtime, content, environment, privileged, signal });
    handle.done({ cached: false });
    return state;
  } catch (error) {
    handle.fail(error);
    await stopEngine({ cacheDir, id });
    throw error;
  }
}

/** @param {string} cacheDir @param {string} id @returns {string} folder of the engine's image mirror */
export function mirrorFolder(cacheDir, id) {
  return folders(cacheDir, id).mirror;
}

/** The programs that the engine looks for in one folder: its own, and those of Debian. @param {string} cacheDir @param {string} bin */
async function runtimeFolder(cacheDir, bin) {
  const missing = PROGRAMS.filter((program) => !existsSync(program));
  if (missing.length > 0) throw new Error(`the engine needs ${missing.join(", ")}: install the Debian packages ${requiredPackages.join(" ")}`);
  const sizes = PROGRAMS.map((program) => [program, statSync(program).size]);
  const { path } = await cachedFolder({ root: join(cacheDir, "build"), name: "runtime", key: inputsKey([basename(bin), sizes]) }, async (folder) => {
    for (const program of PROGRAMS) await cp(program, join(folder, basename(program)), { dereference: true });
    for (const name of await readdir(bin)) await link(join(bin, name), join(folder, name));
  });
  return path;
}

/** @param {string} mirror host:port @param {boolean} privileged whether containers may ask for all capabilities */
function engineConfig(mirror, privileged) {
  return [
    `insecure-entitlements = [${privileged ? '"security.insecure"' : ""}]`,
    "[worker.oci]",
    ...Object.entries(CACHE_SPACE).map(([limit, size]) => `  ${limit} = "${size}"`),
    ...["docker.io", "ghcr.io", "quay.io", "registry.k8s.io", "registry.dagger.io"].flatMap((registry) => [`[registry."${registry}"]`, `  mirrors = ["${mirror}"]`]),
    `[registry."${mirror}"]`,
    "  http = true",
    "",
  ].join("\n");
}

/**
 * @param {{ id: string, paths: ReturnType<typeof folders>, network: Awaited<ReturnType<typeof createNetwork>>, port: number, bin: string, content: string, environment: Record<string, string>, privileged: boolean, signal: AbortSignal }} options
 * @returns {Promise<EngineState>}
 */
async function launch({ id, paths, network, port, bin, content, environment, privileged, signal }) {
  const { cgroup } = hostNames(id);
  const log = openSync(paths.log, "w");
  const namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const argv = [`--net=${paths.namespace}`, ENTER, "join", cgroup, ...namespaces, ENTER, "nest", cgroup, ENTER, "mount"];
  const child = spawn("nsenter", argv, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      ...environment,
      HOME: "/root",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ENGINE_BIN: bin,
      ENGINE_STATE: paths.state,
      ENGINE_CONTENT: content,
      ENGINE_SOCKET: paths.socketDir,
      ENGINE_CONFIG: paths.config,
      ENGINE_CIDR: network.containers,
      _DAGGER_ENGINE_SYSTEMENV_GOPROXY: process.env.GOPROXY ?? "",
    },
  });
  closeSync(log);
  child.unref();
  const pid = /** @type {number} */ (child.pid);
  /** @type {EngineState} */
  const state = { pid, startTime: processStartTime(pid) ?? "", id, socket: paths.socket, address: network.outside, port, containers: network.containers, privileged };
  await writeFile(`${paths.stateFile}.new`, JSON.stringify(state));
  await rename(`${paths.stateFile}.new`, paths.stateFile);

  const deadline = Date.now() + START_TIMEOUT;
  while (!(await accepts(paths.socket))) {
    signal.throwIfAborted();
    const reason = !isAlive(state) ? "it ended" : Date.now() > deadline ? `it does not listen after ${START_TIMEOUT / 1000} s` : undefined;
    if (reason !== undefined) {
      const tail = readFileSync(paths.log, "utf8").trim().split("\n").slice(-20).map((line) => `  ${line}`);
      throw new Error([`the embedded engine did not start: ${reason}; last lines of ${paths.log}:`, ...tail, "next: npm run engine -- clean, then the same command again"].join("\n"));
    }
    await sleep(50);
  }
  return state;
}

/**
 * Stops one engine, whatever state it is in, and takes away all that it added to the machine. Its cache stays. Bounded: 12 s
 * when nothing ends by itself.
 * @param {{ cacheDir: string, id: string }} options
 */
export async function stopEngine({ cacheDir, id }) {
  const paths = folders(cacheDir, id);
  const state = await readState(paths.stateFile);
  if (state !== undefined && isAlive(state)) await endProcesses(state);
  await stopMirror({ mirrorDir: paths.mirror });
  const deadline = Date.now() + STOP_TIMEOUT;
  while ((await killProcesses(id, paths.mirror)) > 0) {
    if (Date.now() > deadline) throw new Error(`processes of the engine do not end; look for them in /sys/fs/cgroup/*/${hostNames(id).cgroup}/cgroup.procs`);
    await sleep(20);
  }
  await removeNetwork(id, paths.namespace);
  for (const file of [paths.stateFile, paths.socket]) await rm(file, { force: true });
}

/** The recorded process holds the namespaces; its child is their first process. @param {EngineState} state */
async function endProcesses(state) {
  const children = await readFile(`/proc/${state.pid}/task/${state.pid}/children`, "utf8").catch(() => "");
  for (const pid of children.trim().split(" ").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGTERM");
    } catch {
      // It ended between the look and the signal, which is what was wanted.
    }
  }
  const deadline = Date.now() + STOP_TIMEOUT;
  while (isAlive(state) && Date.now() < deadline) await sleep(50);
  if (isAlive(state)) process.kill(state.pid, "SIGKILL");
  const killed = Date.now() + STOP_TIMEOUT;
  while (isAlive(state)) {
    if (Date.now() > killed) throw new Error(`the engine's process ${state.pid} does not end; look at /proc/${state.pid}/stack`);
    await sleep(20);
  }
}

/** @param {string} cacheDir @returns {Promise<string[]>} ids of all engines that this cache folder knows, running or not */
export async function knownEngines(cacheDir) {
  const names = await readdir(join(cacheDir, "engines")).catch(() => /** @type {string[]} */ ([]));
  return names.filter((name) => /^[0-9a-f]{8}$/.test(name));
}

/**
 * Removes an engine's cache. It must be stopped.
 * @param {{ cacheDir: string, id: string }} options
 */
export async function removeEngine({ cacheDir, id }) {
  await rm(folders(cacheDir, id).root, { recursive: true, force: true });
}

/**
 * Removes the caches of engines that do not run and were not asked for during the last 14 days.
 * @param {string} cacheDir
 */
export async function removeUnusedEngines(cacheDir) {
  for (const id of await knownEngines(cacheDir)) {
    const { mtimeMs } = await stat(folders(cacheDir, id).root);
    if (Date.now() - mtimeMs < UNUSED_AFTER || (await engineStatus({ cacheDir, id })) !== undefined) continue;
    await stopEngine({ cacheDir, id });
    await removeEngine({ cacheDir, id });
  }
}

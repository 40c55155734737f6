import { rm, access } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { buildNodeImage, NODE_IMAGE, requiredPackages as nodePackages } from "../../offline/cluster/build.mjs";
import { buildBinaries } from "../../offline/engine/binaries.mjs";
import { buildCliImage } from "../../offline/engine/cli-image.mjs";
import { engineId, engineStatus, knownEngines, mirrorFolder, removeEngine, removeUnusedEngines, requiredPackages as enginePackages, startEngine, stopEngine } from "../../offline/engine/engine.mjs";
import { buildBases, requiredPackages as imagePackages } from "../../offline/images/bases.mjs";
import { removeLeftovers, removeUnused } from "../../offline/images/cache.mjs";
import { publishLater } from "../../offline/images/mirror.mjs";
import { buildSdk } from "../../offline/sdk/images.mjs";
import { needsClusterImage, needsItLater, withClusterImage } from "./cluster.mjs";
import { LauncherError } from "./errors.mjs";
import { acquireLock } from "./lock.mjs";
import { prepareMachine, thisMachine, unfitness } from "./preflight.mjs";

/** @param {NodeJS.ProcessEnv} [env] @returns {string} folder of builds, engine state and logs */
export function cacheFolder(env = process.env) {
  return resolve(env.TODO_CHAT_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "todo-chat"));
}

/**
 * @typedef {{ progress: import("./progress.mjs").LauncherProgress, signal: AbortSignal }} Context
 */

/** @param {Context} context @param {string} cacheDir */
function lock({ progress, signal }, cacheDir) {
  return acquireLock(join(cacheDir, "lock"), { signal, onWait: () => progress.note(`waiting for another launcher, which holds ${join(cacheDir, "lock")}`) });
}

/**
 * Builds what is missing and starts the embedded engine, or finds it running. The node image of a call that needs it late is built while
 * the call runs.
 * @param {Context & { args: string[], besides: import("../../offline/images/layers.mjs").Progress }} context `besides` shows what is
 *   built while the CLI runs
 * @returns {Promise<{ cli: string, env: Record<string, string>, args: string[], close: () => Promise<string | undefined> }>} how to run
 *   the CLI against it; `close` ends what is still being built and says what went wrong in it
 */
export async function embeddedEngine({ args, besides, ...context }) {
  const cacheDir = cacheFolder();
  const held = await lock(context, cacheDir);
  /** @type {(() => Promise<string | undefined>) | undefined} */
  let close;
  try {
    const needed = needsClusterImage(args);
    const later = needed && needsItLater(args);
    const { cli, state } = await ensureEngine(cacheDir, context, needed && !later);
    if (later) close = await nodeImageBesides({ cacheDir, id: state.id, progress: besides, signal: context.signal, release: held });
    const reference = `${NODE_IMAGE.name}:${NODE_IMAGE.tag}`;
    return { cli, close: close ?? (async () => undefined), args: needed ? withClusterImage(args, reference) : args, env: { _EXPERIMENTAL_DAGGER_RUNNER_HOST: `unix://${state.socket}`, _EXPERIMENTAL_DAGGER_CLI_BIN: cli } };
  } finally {
    // A build that goes on keeps the lock.
    if (close === undefined) await held[Symbol.asyncDispose]();
  }
}

/**
 * Starts the build of the node image, which releases the lock at its end.
 * @param {{ cacheDir: string, id: string, progress: import("../../offline/images/layers.mjs").Progress, signal: AbortSignal, release: AsyncDisposable }} options
 * @returns {Promise<() => Promise<string | undefined>>}
 */
async function nodeImageBesides({ cacheDir, id, progress, signal, release }) {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const { published } = await publishLater({ mirrorDir: mirrorFolder(cacheDir, id), ...NODE_IMAGE, signal: stop }, async () => servedImage(await buildNodeImage({ cacheDir, progress, signal: stop })));
  const ended = published.then(() => undefined, (error) => (stop.aborted ? undefined : String(error instanceof Error ? error.message : error))).finally(() => release[Symbol.asyncDispose]());
  return () => {
    over.abort(new LauncherError("the call that needed the node image has ended"));
    return ended;
  };
}

/** @param {string[]} argv arguments of the launcher @throws {LauncherError} */
export function requireFitness(argv) {
  const reason = unfitness(thisMachine(), argv);
  if (reason !== undefined) throw new LauncherError(reason);
}

/** @param {string} cacheDir @param {Context} context @param {boolean} [withNode] also build the offline node image, and serve it */
async function ensureEngine(cacheDir, { progress, signal }, withNode = false) {
  const built = await access(join(cacheDir, "engines")).then(() => true, () => false);
  const { goVersion } = await prepareMachine({ cacheDir, packages: [...enginePackages, ...imagePackages, ...nodePackages], built, progress, signal });
  const shared = { cacheDir, progress, signal };
  const builds = join(cacheDir, "build");
  await removeLeftovers(builds);
  const [binaries, images] = await both(
    (stop) => buildBinaries({ ...shared, signal: stop, goVersion }),
    (stop) => buildBases({ ...shared, signal: stop }),
    signal,
  );
  const sdk = await buildSdk({ ...shared, goVersion, binaries });
  const cli = await buildCliImage({ ...shared, binaries });
  const node = withNode ? await buildNodeImage(shared) : undefined;
  const served = [...images, cli, ...(node === undefined ? [] : [servedImage(node)])];
  const id = engineId({ cacheDir, keys: [binaries.key, sdk.key] });
  const state = await startEngine({ ...shared, id, bin: binaries.bin, content: sdk.content, environment: sdk.environment, privileged: process.env.TODO_CHAT_PRIVILEGED !== "no", images: served });
  await removeUnused(builds);
  await removeUnusedEngines(cacheDir);
  return { cli: join(binaries.bin, "dagger"), state };
}

/** @param {{ layout: string, reference: string }} node @returns {import("../../offline/images/bases.mjs").BuiltImage} */
function servedImage({ layout, reference }) {
  const [name = "", tag = ""] = reference.split(":");
  return { name, tag, layout };
}

/**
 * Runs two builds at once. The first failure stops the other one and is thrown when neither runs any more.
 * @template A, B
 * @param {(stop: AbortSignal) => Promise<A>} first @param {(stop: AbortSignal) => Promise<B>} second @param {AbortSignal} signal
 * @returns {Promise<[A, B]>}
 */
export async function both(first, second, signal) {
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  /** @template T @param {(stop: AbortSignal) => Promise<T>} build */
  const guarded = (build) => build(stop).catch((error) => failure.abort(error));
  const [a, b] = await Promise.all([guarded(first), guarded(second)]);
  stop.throwIfAborted();
  return [/** @type {A} */ (a), /** @type {B} */ (b)];
}

/**
 * `npm run engine -- start|stop|status|clean`.
 * @param {string[]} argv @param {Context & { usage: string }} context @returns {Promise<number>} exit code
 */
export async function engineCommand(argv, { usage, ...context }) {
  const [verb, ...rest] = argv;
  const cacheDir = cacheFolder();
  if (verb === undefined || rest.length > 0 || !["start", "stop", "status", "clean"].includes(verb)) {
    throw new LauncherError(`engine: expected one of start, stop, status, clean, current value ${argv.join(" ") || "none"}\n\n${usage}`, 3);
  }
  if (verb === "status") return await printStatus(cacheDir);
  requireFitness(["engine", verb]);
  const held = await lock(context, cacheDir);
  try {
    if (verb === "start") {
      const { state } = await ensureEngine(cacheDir, context);
      console.log(`engine ${state.id} listens at unix://${state.socket}`);
      return 0;
    }
    const ids = await knownEngines(cacheDir);
    for (const id of ids) await stopEngine({ cacheDir, id });
    if (verb === "clean") {
      for (const id of ids) await removeEngine({ cacheDir, id });
      for (const name of ["build", "images", "logs", "engines"]) await rm(join(cacheDir, name), { recursive: true, force: true });
    }
    console.log(verb === "clean" ? `stopped, and removed the caches in ${cacheDir}` : "stopped");
    return 0;
  } finally {
    await held[Symbol.asyncDispose]();
  }
}

/** @param {string} cacheDir @returns {Promise<number>} */
async function printStatus(cacheDir) {
  const states = await Promise.all((await knownEngines(cacheDir)).map(async (id) => ({ id, state: await engineStatus({ cacheDir, id }) })));
  const running = states.filter(({ state }) => state !== undefined);
  for (const { id, state } of states) {
    console.log(state ? `engine ${id}: runs, process ${state.pid}, unix://${state.socket}, image mirror at ${state.address}, containers in ${state.containers}` : `engine ${id}: stopped`);
  }
  if (states.length === 0) console.log(`no embedded engine in ${cacheDir}; npm run engine -- start builds one`);
  return running.length > 0 ? 0 : 1;
}

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { chooseEngine, ENGINES } from "./choose.mjs";
import { withClone } from "./cluster.mjs";
import { embeddedEngine, engineCommand, requireFitness } from "./embedded.mjs";
import { LauncherError } from "./errors.mjs";
import { createProgress } from "./progress.mjs";
import { mainJob, outputPaths, reportCall, watchRun } from "./quiet.mjs";
import { sdkCli } from "./sdk-cli.mjs";
import { freePort, keepWayIn, portsOf, withTunnel } from "./way-in.mjs";

const USAGE = `usage: npm run dagger -- [--engine KIND] <arguments of the dagger CLI>
       npm run engine -- start|stop|status|clean

Runs the Dagger CLI. The engine is the first of these that is there, or the one that --engine (or the variable
TODO_CHAT_ENGINE) names:
  given      the runner host in the environment (_EXPERIMENTAL_DAGGER_RUNNER_HOST)
  docker     the dagger CLI with a container runtime (docker, podman or nerdctl)
  embedded   CLI and engine built from Go modules, base images from Debian and npm packages; needs root
Without a dagger CLI on the PATH, the first two use the one that the npm SDK (@dagger.io/dagger) downloads.

engine start    start the embedded engine, building it when needed
engine stop     stop it and take away everything it added to the machine; its caches stay
engine status   what runs; exit code 0 when an engine answers, 1 when none does
engine clean    stop, and remove all caches

Where nobody watches (no terminal, or CI is set), call ci prints few lines: what did not pass, the table, the verdict; the rest is in a log.

TODO_CHAT_REPORT_DIR folder of the report of call ci, and name of its log (default: report/ci, report/ci.log)
TODO_CHAT_CACHE_DIR  folder of builds and engine state (default: todo-chat in the user's cache folder)
TODO_CHAT_PRIVILEGED no: the embedded engine refuses privileged containers, as hardened ones do (default: yes); one that runs
                     with the other setting is started again

Examples: npm run ci · npm run dagger -- functions · npm run dagger -- call test-backend`;

/** Errors that a person cannot mend: shown with their stack. */
const BUGS = [TypeError, ReferenceError, RangeError, SyntaxError];

/** How long the CLI may take to end after an interrupt, in ms, before it is killed. */
const INTERRUPT_GRACE = 3_000;

/**
 * @param {string[]} argv arguments of the launcher
 * @returns {Promise<number>} exit code: the CLI's own; 3 for bad input, 1 when no engine could be had, 128 + n after signal n
 */
export async function main(argv) {
  const abort = new AbortController();
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      interrupted ??= signal;
      abort.abort(new LauncherError(`interrupted by ${signal}`));
    });
  }
  const watched = process.stderr.isTTY === true && !process.env.CI;
  const progress = createProgress({ stream: process.stderr, live: watched });
  try {
    const { engine, rest } = parse(argv);
    const asksHelp = rest[0] === "engine" ? rest[1] : rest[0];
    if (rest.length === 0 || ["--help", "-h"].includes(asksHelp ?? "")) {
      console.log(USAGE);
      return 0;
    }
    if (rest[0] === "engine") return await engineCommand(rest.slice(1), { progress, signal: abort.signal, usage: USAGE });
    const ports = portsOf(rest);
    for (const { local } of ports) await freePort(local);
    const provision = () => sdkCli({ progress, signal: abort.signal });
    const choice = await chooseEngine({ forced: engine, env: process.env, provision });
    progress.note(`engine: ${choice.kind} (${choice.reason})`);
    const job = watched ? undefined : mainJob(rest);
    const paths = outputPaths(process.env);
    // What this machine cannot do is told before anything is written, and with the call as it was given.
    if (choice.kind === "embedded") requireFitness(rest);
    const run = job && watchRun({ ...paths, env: process.env, print: (line) => console.log(line), note: (line) => console.error(line) });
    const wanted = job === undefined ? rest : reportCall(job, paths.report);
    // On a terminal the CLI draws, and nothing else may.
    const besides = watched ? createProgress({ stream: { write: () => true }, live: false }) : progress;
    const { cli, env, args, close } = choice.kind === "embedded" ? await embeddedEngine({ progress, besides, signal: abort.signal, args: wanted }) : { ...choice, args: wanted, close: async () => undefined };
    if (watched) progress.close();
    const command = { cli, args: withClone(args), env: { ...process.env, DAGGER_NO_NAG: "1", DO_NOT_TRACK: "1", ...env }, signal: abort.signal, hear: run?.hear };
    const code = await (ports.length === 0 ? runCli(command) : runWithWayIn(command, ports)).finally(async () => {
      const failure = await close();
      if (failure !== undefined) console.error(failure);
    });
    progress.close();
    const ended = run?.end(code, interrupted) ?? code;
    return interrupted === undefined ? ended : 128 + constants.signals[interrupted];
  } catch (error) {
    progress.close();
    if (interrupted !== undefined) {
      console.error(`stopped by ${interrupted}`);
      return 128 + constants.signals[interrupted];
    }
    if (!(error instanceof Error)) throw error;
    console.error(BUGS.some((kind) => error instanceof kind) ? error.stack : error.message);
    return error instanceof LauncherError ? error.exitCode : 1;
  }
}

/** @param {string[]} argv @returns {{ engine: string | undefined, rest: string[] }} */
export function parse(argv) {
  const [first = "", second] = argv;
  const [name, inline] = first.split("=", 2);
  if (name !== "--engine") return { engine: process.env.TODO_CHAT_ENGINE || undefined, rest: argv };
  const engine = inline ?? second;
  if (engine === undefined || !ENGINES.includes(engine)) {
    throw new LauncherError(`--engine must be one of ${ENGINES.join(", ")}, current value ${engine ?? "none"}`, 3);
  }
  return { engine, rest: argv.slice(inline === undefined ? 2 : 1) };
}

/**
 * @param {Parameters<typeof runCli>[0]} run @param {import("./way-in.mjs").Port[]} ports of this machine, open while the CLI runs
 * @returns {Promise<number>}
 */
async function runWithWayIn(run, ports) {
  const tunnel = await freePort();
  const ended = new AbortController();
  const cli = new AbortController();
  run.signal.addEventListener("abort", () => cli.abort(run.signal.reason));
  const code = runCli({ ...run, args: withTunnel(run.args, tunnel), signal: cli.signal, started: endWithLauncher }).finally(() => ended.abort());
  try {
    await keepWayIn({ ports, tunnel, signal: AbortSignal.any([ended.signal, run.signal]), note: (text) => console.error(`way in: ${text}`) });
  } catch (error) {
    cli.abort(error);
    await code;
    throw error;
  }
  return code;
}

/**
 * A launcher that is killed cannot end its CLI, and without a way in that would hold the service, and its name, for nobody.
 * @param {number} pid of the CLI @returns {() => void} to be called when it has ended
 */
function endWithLauncher(pid) {
  const script = `process.stdin.resume().on("end", () => { try { process.kill(${pid}, "SIGINT") } catch {} })`;
  const guard = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  return () => void guard.kill();
}

/**
 * @param {{ cli: string, args: string[], env: NodeJS.ProcessEnv, signal: AbortSignal, hear?: ((text: string) => void) | undefined, started?: (pid: number) => () => void }} options
 *   `hear` gets what the CLI says, which is not shown then; `started` is told its process, and what it gives is called at the end
 * @returns {Promise<number>}
 */
async function runCli({ cli, args, env, signal, hear, started }) {
  signal.throwIfAborted();
  const child = spawn(cli, args, { env, stdio: hear === undefined ? "inherit" : ["inherit", "pipe", "pipe"] });
  const over = child.pid === undefined ? undefined : started?.(child.pid);
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => hear?.(text));
  /** @type {Promise<number>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new LauncherError(`cannot run ${cli}: ${cause.message}`)));
    // Not its exit: what it said last may still be on its way.
    child.once("close", (code, by) => {
      over?.();
      resolve(by ? 128 + constants.signals[by] : /** @type {number} */ (code));
    });
  });
  signal.addEventListener("abort", async () => {
    // A terminal's interrupt reaches the CLI by itself; a signal to the launcher alone does not.
    child.kill("SIGINT");
    await Promise.race([ended, sleep(INTERRUPT_GRACE, undefined, { ref: false })]);
    child.kill("SIGKILL");
  });
  return ended;
}

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";

const TAIL_LINES = 20;

/** What a person can do when a package manager fails. */
const NEXT_STEP = {
  apt: "check that `apt-get update` works on this machine, then run the same command again",
  npm: "check that `npm ping` works on this machine, then run the same command again",
  "Go modules": "check `go env GOPROXY` and that `go mod download` works on this machine, then run the same command again",
  archive: "check the free space of the cache folder (`df -h`), then run the same command again",
};

/** @typedef {keyof typeof NEXT_STEP} PackageManager */

/** A command of a build failed. The message names the package manager, the log, its last lines and the next step. */
export class BuildError extends Error {
  /**
   * @param {{ step: string, manager: PackageManager, reason: string, logFile: string, tail: string[], cause?: unknown }} details
   */
  constructor({ step, manager, reason, logFile, tail, cause }) {
    const output = tail.length > 0 ? ["last lines of its output:", ...tail.map((line) => `  ${line}`)] : ["it printed nothing"];
    super(
      [`${step}: ${manager} failed: ${reason}`, ...output, `log: ${logFile}`, `next: ${NEXT_STEP[manager]}`].join("\n"),
      { cause },
    );
    this.name = "BuildError";
    this.step = step;
    this.manager = manager;
    this.logFile = logFile;
    this.tail = tail;
  }
}

/**
 * Where the commands of one build step report: the step's progress handle, its log file, and the signal that stops it.
 * @typedef {{ name: string, logFile: string, log: (line: string) => void, signal: AbortSignal }} Step
 */

/**
 * The kernel ends the command, and all that it started, when this process dies, however it dies: it is the first process of
 * a process namespace, which goes with it. That needs root.
 */
const TOGETHER = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--"];

/**
 * Runs a command that is killed together with this process. Standard error (and standard output, unless it is consumed)
 * goes line by line to the step's log.
 * @param {Step} step
 * @param {PackageManager} manager named in the error
 * @param {string[]} argv
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, consume?: (stdout: import("node:stream").Readable) => Promise<void> }} [options]
 *   `consume` reads the standard output instead of the log
 * @throws {BuildError} when the command cannot start, is killed or exits non-zero
 */
export async function run(step, manager, argv, { cwd, env = process.env, consume } = {}) {
  const logStream = createWriteStream(step.logFile, { flags: "a" });
  /** @type {string[]} */
  const tail = [];
  /** @param {string} line */
  const record = (line) => {
    logStream.write(`${line}\n`);
    step.log(line);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  logStream.write(`$ ${argv.join(" ")}\n`);
  const [program = "", ...options] = [...TOGETHER, ...argv];
  const child = spawn(program, options, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    signal: step.signal,
    killSignal: "SIGKILL",
  });
  const lines = [child.stderr, ...(consume ? [] : [child.stdout])].map(async (stream) => {
    for await (const line of createInterface({ input: stream })) record(line);
  });
  const exit = once(child, "close");
  try {
    await Promise.all([...(consume ? [consume(child.stdout)] : []), ...lines, exit]);
    const [code, signal] = await exit;
    if (code !== 0) throw new Error(signal ? `killed by ${signal}` : `exit code ${code}`);
  } catch (cause) {
    child.kill("SIGKILL");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BuildError({ step: step.name, manager, reason, logFile: step.logFile, tail, cause });
  } finally {
    // Nothing may write into the build's folder any more when the caller removes it.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await once(child, "exit");
    logStream.end();
  }
}

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { LauncherError } from "./errors.mjs";

/** Values of --engine and TODO_CHAT_ENGINE. */
export const ENGINES = ["given", "docker", "embedded"];

const RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST";
const CLI_VARIABLE = "_EXPERIMENTAL_DAGGER_CLI_BIN";

/** Commands whose success shows a container runtime that the CLI can start its engine with. */
const RUNTIMES = [
  ["docker", "info"],
  ["podman", "info"],
  ["nerdctl", "info"],
];
const PROBE_TIMEOUT = 3_000;

/**
 * @typedef {{ kind: "given" | "docker", reason: string, cli: string, env: Record<string, string> }} ReadyEngine
 * @typedef {{ kind: "embedded", reason: string }} EmbeddedEngine
 */

/**
 * Chooses the engine, in the order given by its names.
 * @param {{ forced: string | undefined, env: NodeJS.ProcessEnv, probe?: (argv: string[]) => Promise<boolean> }} options
 *   `probe` says whether a command succeeds
 * @returns {Promise<ReadyEngine | EmbeddedEngine>}
 * @throws {LauncherError} when the forced engine cannot be had
 */
export async function chooseEngine({ forced, env, probe = succeeds }) {
  if (forced !== undefined && !ENGINES.includes(forced)) throw new LauncherError(`TODO_CHAT_ENGINE must be one of ${ENGINES.join(", ")}, current value ${forced}`, 3);
  const cli = env[CLI_VARIABLE] || findProgram("dagger", env);
  const because = forced === undefined ? undefined : "it was asked for";

  if (forced === "given" || (forced === undefined && env[RUNNER_HOST])) {
    const host = env[RUNNER_HOST];
    if (!host) throw new LauncherError(`engine given: ${RUNNER_HOST} is not set; set it to the address of an engine, or leave --engine out`, 3);
    if (!cli) throw new LauncherError(`engine given: no dagger CLI is on the PATH; install one, or name it in ${CLI_VARIABLE}`);
    return { kind: "given", reason: because ?? `${RUNNER_HOST} is set`, cli, env: {} };
  }
  if (forced === "embedded") return { kind: "embedded", reason: /** @type {string} */ (because) };

  const runtime = await firstRuntime(env, probe);
  if (forced === "docker") {
    if (!cli) throw new LauncherError("engine docker: no dagger CLI is on the PATH; install it, or leave --engine out");
    if (!runtime) throw new LauncherError("engine docker: no container runtime answers (tried docker, podman, nerdctl); start one, or leave --engine out");
    return { kind: "docker", reason: /** @type {string} */ (because), cli, env: {} };
  }
  if (cli && runtime) return { kind: "docker", reason: `${cli} is installed and ${runtime} answers`, cli, env: {} };
  return { kind: "embedded", reason: cli ? "a dagger CLI is installed, but no container runtime answers" : "no dagger CLI is installed" };
}

/** @param {NodeJS.ProcessEnv} env @param {(argv: string[]) => Promise<boolean>} probe */
async function firstRuntime(env, probe) {
  for (const argv of RUNTIMES) {
    const [name] = /** @type {[string]} */ (argv);
    if (findProgram(name, env) && (await probe(argv))) return name;
  }
  return undefined;
}

/** @param {string} name @param {NodeJS.ProcessEnv} env @returns {string | undefined} its path */
export function findProgram(name, env) {
  return (env.PATH ?? "")
    .split(":")
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @param {string[]} argv @returns {Promise<boolean>} */
function succeeds([command, ...args]) {
  return new Promise((resolve) => {
    execFile(/** @type {string} */ (command), args, { timeout: PROBE_TIMEOUT }, (error) => resolve(error === null));
  });
}

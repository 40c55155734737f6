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
 * @param {object} options
 * @param {string | undefined} options.forced one of ENGINES, or undefined to look
 * @param {NodeJS.ProcessEnv} options.env
 * @param {() => Promise<string>} options.provision fetches a dagger CLI and gives its path; rejects with a LauncherError
 * @param {(argv: string[]) => Promise<boolean>} [options.probe] says whether a command succeeds
 * @returns {Promise<ReadyEngine | EmbeddedEngine>}
 * @throws {LauncherError} when the forced engine cannot be had, or there is none of that name
 */
export async function chooseEngine({ forced, env, provision, probe = succeeds }) {
  if (forced !== undefined && !ENGINES.includes(forced)) throw new LauncherError(`the engine must be one of ${ENGINES.join(", ")}, current value ${forced}`, 3);
  const installed = env[CLI_VARIABLE] || findProgram("dagger", env);
  const because = (/** @type {string} */ reason) => (forced === undefined ? reason : "it was asked for");

  if (forced === "embedded") return { kind: "embedded", reason: because("") };
  if (forced === "given" || (forced === undefined && env[RUNNER_HOST])) {
    if (!env[RUNNER_HOST]) throw new LauncherError(`engine given: ${RUNNER_HOST} is not set; set it to the address of an engine, or leave --engine out`, 3);
    const cli = installed ?? (await provisioned("given", provision));
    return { kind: "given", reason: because(`${RUNNER_HOST} is set`), cli, env: {} };
  }

  const runtime = await firstRuntime(env, probe);
  if (forced === "docker") {
    if (!runtime) throw new LauncherError("engine docker: no container runtime answers (tried docker, podman, nerdctl); start one, or leave --engine out");
    return { kind: "docker", reason: because(""), cli: installed ?? (await provisioned("docker", provision)), env: {} };
  }
  if (!runtime) return { kind: "embedded", reason: installed ? "a dagger CLI is installed, but no container runtime answers" : "neither a dagger CLI nor a container runtime is there" };
  if (installed) return { kind: "docker", reason: `${installed} is installed and ${runtime} answers`, cli: installed, env: {} };
  try {
    return { kind: "docker", reason: `${runtime} answers, with the dagger CLI of the npm SDK`, cli: await provision(), env: {} };
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error;
    return { kind: "embedded", reason: `${runtime} answers, but no dagger CLI is installed, and ${error.message}` };
  }
}

/** @param {string} engine @param {() => Promise<string>} provision @returns {Promise<string>} */
async function provisioned(engine, provision) {
  try {
    return await provision();
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error;
    throw new LauncherError(`engine ${engine}: no dagger CLI is on the PATH, and ${error.message}; install one, or name it in ${CLI_VARIABLE}`);
  }
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

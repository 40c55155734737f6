import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LauncherError } from "./errors.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROVISION = fileURLToPath(new URL("provision.mjs", import.meta.url));

/** Longest waits in ms: for npm to install the packages, and for the download of 30 MB. */
const INSTALL_TIMEOUT = 300_000;
const DOWNLOAD_TIMEOUT = 180_000;

/**
 * Gives the dagger CLI that the npm SDK provisions, downloading it when it is not in the SDK's cache.
 * @param {{ progress: import("../../offline/images/layers.mjs").Progress, signal: AbortSignal, root?: string, urls?: string[] }} options
 *   `root` holds package.json and node_modules; `urls` are those of the archive and its checksums, by default the SDK's
 * @returns {Promise<string>} path of the program
 * @throws {LauncherError} when the packages cannot be installed or the CLI cannot be downloaded, with the reason in one line
 */
export async function sdkCli({ progress, signal, root = ROOT, urls = [] }) {
  const handle = progress.step("dagger command line (npm SDK)");
  try {
    if (!existsSync(join(root, "node_modules", "@dagger.io", "dagger"))) await succeed("npm", ["ci", "--ignore-scripts"], { cwd: root, timeout: INSTALL_TIMEOUT, signal });
    const path = await succeed(process.execPath, [PROVISION, ...urls], { cwd: root, timeout: DOWNLOAD_TIMEOUT, signal });
    handle.done({ cached: false });
    return path;
  } catch (error) {
    handle.fail(error);
    throw error;
  }
}

/** @param {string} command @param {string[]} args @param {{ cwd: string, timeout: number, signal: AbortSignal }} options @returns {Promise<string>} */
async function succeed(command, args, options) {
  try {
    return (await promisify(execFile)(command, args, options)).stdout.trim();
  } catch (cause) {
    options.signal.throwIfAborted();
    const { killed, stderr = "", message } = /** @type {Error & { killed?: boolean, stderr?: string }} */ (cause);
    const lines = stderr.trim().split("\n");
    const reason = killed ? `it took longer than ${options.timeout / 1000} s` : lines.find((line) => /error|fail/i.test(line)) || lines[0] || message;
    throw new LauncherError(`${command === process.execPath ? "downloading the dagger command line" : "npm ci"} failed: ${reason}`);
  }
}

import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { isAlive, ownIdentity } from "./process.mjs";

/** Entries that no build asked for during this time are removed; in ms. */
const UNUSED_AFTER = 14 * 24 * 3600 * 1000;

const ENTRY = /-[0-9a-f]{64}$/;
const TEMPORARY = /^\.tmp-(\d+)-(\d+)-[0-9a-f]+$/;

/**
 * Key of a cache entry.
 * @param {unknown[]} inputs everything that decides the content: JSON values or file contents as strings
 * @returns {string} sha256 in hexadecimal
 */
export function inputsKey(inputs) {
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
}

/**
 * Gives the folder `<root>/<name>-<key>`, filling it first when it does not exist. The folder appears by one rename, so a
 * build that was cut off leaves only a temporary folder, which `removeLeftovers` takes away. When two processes build the
 * same entry, the first rename wins and both get its folder.
 * @param {{ root: string, name: string, key: string }} entry
 * @param {(temporary: string) => Promise<void>} fill writes the content into an empty folder on the same file system
 * @returns {Promise<{ path: string, cached: boolean }>}
 */
export async function cachedFolder({ root, name, key }, fill) {
  const path = join(root, `${name}-${key}`);
  if (existsSync(path)) {
    const now = new Date();
    await utimes(path, now, now); // the time of last use, for removeUnused
    return { path, cached: true };
  }
  const temporary = temporaryFolder(root);
  await mkdir(temporary, { recursive: true });
  try {
    await fill(temporary);
    await rename(temporary, path);
    return { path, cached: false };
  } catch (error) {
    // Retried, because a command that was killed may write for some milliseconds more.
    await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    if ((code === "ENOTEMPTY" || code === "EEXIST") && existsSync(path)) return { path, cached: true };
    throw error;
  }
}

/** @param {string} root */
function temporaryFolder(root) {
  const { pid, startTime } = ownIdentity();
  return join(root, `.tmp-${pid}-${startTime}-${randomBytes(4).toString("hex")}`);
}

/**
 * Removes entries that were not asked for during the last 14 days: those of older versions of their inputs.
 * @param {string} root
 * @returns {Promise<string[]>} the names removed
 */
export async function removeUnused(root) {
  /** @type {string[]} */
  const removed = [];
  for (const name of await readdir(root).catch(() => [])) {
    if (!ENTRY.test(name)) continue;
    const path = join(root, name);
    if (Date.now() - (await stat(path)).mtimeMs < UNUSED_AFTER) continue;
    const temporary = temporaryFolder(root); // by a rename first, so that no entry is ever there in part
    await rename(path, temporary);
    await rm(temporary, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/**
 * Removes the temporary folders of processes that no longer run.
 * @param {string} root
 * @returns {Promise<string[]>} the names removed
 */
export async function removeLeftovers(root) {
  const names = await readdir(root).catch(() => /** @type {string[]} */ ([]));
  const dead = names.filter((name) => {
    const match = TEMPORARY.exec(name);
    return match !== null && !isAlive({ pid: Number(match[1]), startTime: String(match[2]) });
  });
  await Promise.all(dead.map((name) => rm(join(root, name), { recursive: true, force: true })));
  return dead;
}

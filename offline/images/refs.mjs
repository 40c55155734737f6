import { randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hex, layoutManifest } from "./oci.mjs";
import { ownIdentity } from "./process.mjs";

/**
 * What the mirror offers: one small file per reference, written by one rename, read by the server at each request. So
 * publishing needs no running server, and a server needs no restart.
 * @typedef {{ name: string, tag: string, layout: string }} Reference `layout` is an absolute path of an OCI layout folder
 */

/**
 * What the mirror will offer soon: an image that a process is building. Who asks for it waits for that process; the reference takes its
 * place, or the reason why there will be none.
 * @typedef {import("./process.mjs").ProcessIdentity | { failed: string }} Promised
 */

/** @param {string} mirrorDir */
const folder = (mirrorDir) => join(mirrorDir, "refs");

/** @param {string} mirrorDir @param {{ name: string, tag: string }} image @param {"json" | "promised"} kind */
const fileOf = (mirrorDir, { name, tag }, kind) => join(folder(mirrorDir), `${encodeURIComponent(`${name}:${tag}`)}.${kind}`);

/**
 * @param {string} mirrorDir
 * @param {Reference} reference replaces what the name and tag meant before, or were promised to mean
 * @throws {Error} when the layout is not one with exactly one manifest
 */
export async function writeReference(mirrorDir, { name, tag, layout }) {
  await layoutManifest(layout);
  await writeWhole(mirrorDir, fileOf(mirrorDir, { name, tag }, "json"), { name, tag, layout: resolve(layout) });
  await withdrawPromise(mirrorDir, { name, tag });
}

/**
 * Says that this process is building an image; what its name and tag meant before is not given any more.
 * @param {string} mirrorDir @param {{ name: string, tag: string }} image
 */
export async function promiseReference(mirrorDir, image) {
  await writeWhole(mirrorDir, fileOf(mirrorDir, image, "promised"), ownIdentity());
}

/** Says that a promised image will not come. @param {string} mirrorDir @param {{ name: string, tag: string }} image @param {string} failed why */
export async function breakPromise(mirrorDir, image, failed) {
  await writeWhole(mirrorDir, fileOf(mirrorDir, image, "promised"), { failed });
}

/** Takes a promise back: the name and tag mean what they meant before. @param {string} mirrorDir @param {{ name: string, tag: string }} image */
export async function withdrawPromise(mirrorDir, image) {
  await rm(fileOf(mirrorDir, image, "promised"), { force: true });
}

/** @param {string} mirrorDir @param {{ name: string, tag: string }} image @returns {Promise<Promised | undefined>} */
export async function readPromise(mirrorDir, image) {
  try {
    return JSON.parse(await readFile(fileOf(mirrorDir, image, "promised"), "utf8"));
  } catch {
    return undefined;
  }
}

/** @param {string} mirrorDir @param {string} path @param {object} content */
async function writeWhole(mirrorDir, path, content) {
  await mkdir(folder(mirrorDir), { recursive: true });
  const temporary = join(folder(mirrorDir), `.tmp-${randomBytes(8).toString("hex")}`);
  await writeFile(temporary, JSON.stringify(content));
  await rename(temporary, path);
}

/**
 * @param {string} mirrorDir
 * @returns {Promise<Reference[]>} sorted by name and tag; references whose layout is gone are left out
 */
export async function readReferences(mirrorDir) {
  const files = await readdir(folder(mirrorDir)).catch(() => /** @type {string[]} */ ([]));
  const references = await Promise.all(
    files
      .filter((file) => file.endsWith(".json"))
      .sort()
      .map(async (file) => {
        try {
          /** @type {Reference} */
          const reference = JSON.parse(await readFile(join(folder(mirrorDir), file), "utf8"));
          await layoutManifest(reference.layout);
          return [reference];
        } catch {
          return [];
        }
      }),
  );
  return references.flat();
}

/**
 * @param {Reference} reference
 * @param {string} digest
 * @returns {string} path of a blob, whether it exists or not
 */
export function blobPath(reference, digest) {
  return join(reference.layout, "blobs", "sha256", hex(digest));
}

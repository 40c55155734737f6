import { randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hex, layoutManifest } from "./oci.mjs";

/**
 * What the mirror offers: one small file per reference, written by one rename, read by the server at each request. So
 * publishing needs no running server, and a server needs no restart.
 * @typedef {{ name: string, tag: string, layout: string }} Reference `layout` is an absolute path of an OCI layout folder
 */

/** @param {string} mirrorDir */
const folder = (mirrorDir) => join(mirrorDir, "refs");

/**
 * @param {string} mirrorDir
 * @param {Reference} reference replaces what the name and tag meant before
 * @throws {Error} when the layout is not one with exactly one manifest
 */
export async function writeReference(mirrorDir, { name, tag, layout }) {
  await layoutManifest(layout);
  await mkdir(folder(mirrorDir), { recursive: true });
  const temporary = join(folder(mirrorDir), `.tmp-${randomBytes(8).toString("hex")}`);
  await writeFile(temporary, JSON.stringify({ name, tag, layout: resolve(layout) }));
  await rename(temporary, join(folder(mirrorDir), `${encodeURIComponent(`${name}:${tag}`)}.json`));
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

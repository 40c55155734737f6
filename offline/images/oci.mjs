import { createHash } from "node:crypto";
import { link, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder, inputsKey } from "./cache.mjs";

/** Time stamp of every file and image, in seconds since 1970, so that equal inputs give equal digests (2025-01-01). */
export const SOURCE_DATE_EPOCH = 1735689600;

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
export const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd";

/**
 * A layer on disk: `blob` is the compressed file.
 * @typedef {{ blob: string, digest: string, size: number, diffId: string, createdBy: string }} Layer
 */

/**
 * The `config` member of an OCI image configuration.
 * @typedef {{ Env?: string[], Cmd?: string[], Entrypoint?: string[], WorkingDir?: string, User?: string, Labels?: Record<string, string> }} ImageConfig
 */

/**
 * Writes an image as an OCI layout folder; the layers' blobs are hard links, so that images share them on disk.
 * @param {{ root: string, name: string, tag: string, layers: Layer[], config: ImageConfig, architecture?: string }} image
 *   `root` is the cache folder of images, on the layers' file system; `architecture` defaults to amd64
 * @returns {Promise<{ path: string, cached: boolean }>} the layout folder
 */
export async function writeImage({ root, name, tag, layers, config, architecture = "amd64" }) {
  const created = new Date(SOURCE_DATE_EPOCH * 1000).toISOString();
  const configuration = JSON.stringify({
    created,
    architecture,
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((layer) => ({ created, created_by: layer.createdBy })),
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(CONFIG_TYPE, configuration),
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: [
      {
        ...descriptor(MANIFEST_TYPE, manifest),
        platform: { architecture, os: "linux" },
        annotations: { "org.opencontainers.image.ref.name": tag },
      },
    ],
  });
  return cachedFolder({ root, name: name.replaceAll("/", "_"), key: inputsKey([index]) }, async (folder) => {
    const blobs = join(folder, "blobs", "sha256");
    await mkdir(blobs, { recursive: true });
    for (const layer of layers) await link(layer.blob, join(blobs, hex(layer.digest)));
    for (const text of [configuration, manifest]) await writeFile(join(blobs, sha256(text)), text);
    await writeFile(join(folder, "index.json"), index);
    await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  });
}

/**
 * The manifest that a layout stands for.
 * @param {string} layout OCI layout folder
 * @returns {Promise<{ mediaType: string, digest: string, size: number }>} descriptor of its only manifest
 * @throws {Error} when the folder is no OCI layout, or holds several manifests
 */
export async function layoutManifest(layout) {
  /** @type {{ manifests: { mediaType: string, digest: string, size: number }[] }} */
  let index;
  try {
    index = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
  } catch (cause) {
    throw new Error(`${layout} is not an OCI image layout: index.json cannot be read; give a folder written by an OCI tool`, { cause });
  }
  const [manifest, ...others] = index.manifests;
  if (manifest === undefined || others.length > 0) {
    throw new Error(`${layout} holds ${index.manifests.length} manifests; the mirror serves layouts with exactly one`);
  }
  return manifest;
}

/** @param {string} digest `sha256:…` */
export function hex(digest) {
  return digest.slice("sha256:".length);
}

/** @param {string} text */
function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}

/** @param {string} mediaType @param {string} text */
function descriptor(mediaType, text) {
  return { mediaType, digest: `sha256:${sha256(text)}`, size: Buffer.byteLength(text) };
}

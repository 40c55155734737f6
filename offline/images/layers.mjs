import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { cachedFolder, inputsKey } from "./cache.mjs";
import { run } from "./command.mjs";
import { SOURCE_DATE_EPOCH } from "./oci.mjs";

// Level 3 on one thread: the output depends on the input alone, and containerd unpacks it several times faster than gzip.
const COMPRESSOR = ["zstd", "-3", "-T1", "-q", "-c"];
const BLOB = "layer.tar.zst";
const DESCRIPTION = "layer.json";

/**
 * How a layer comes to be.
 * @typedef {object} LayerRecipe
 * @property {string} name letters, digits and dashes
 * @property {string} title shown as the progress step
 * @property {string} createdBy the image history's line
 * @property {() => Promise<unknown[]>} inputs everything that decides the content
 * @property {(context: { step: import("./command.mjs").Step, work: string, pack: (tar: import("node:stream").Readable) => Promise<void> }) => Promise<void>} build
 *   calls `pack` once with the layer as a tar stream; `work` is an empty folder, removed afterwards
 */

/**
 * @typedef {{ log: (line: string) => void, done: (result: { cached: boolean }) => void, fail: (error: unknown) => void }} ProgressStep
 * @typedef {{ step: (name: string) => ProgressStep, note?: (line: string) => void }} Progress
 */

/**
 * Gives a layer from the cache, building it when its inputs are new.
 * @param {LayerRecipe} recipe
 * @param {{ root: string, progress: Progress, signal: AbortSignal }} context `root` is the cache folder of images
 * @returns {Promise<import("./oci.mjs").Layer>}
 * @throws {import("./command.mjs").BuildError}
 */
export async function buildLayer(recipe, { root, progress, signal }) {
  const logs = join(root, "logs");
  await mkdir(logs, { recursive: true });
  const logFile = join(logs, `${recipe.name}.log`);
  const handle = progress.step(recipe.title);
  try {
    const key = inputsKey([COMPRESSOR, SOURCE_DATE_EPOCH, process.arch, await recipe.inputs()]);
    const { path, cached } = await cachedFolder({ root, name: `layer-${recipe.name}`, key }, async (folder) => {
      await writeFile(logFile, "");
      const work = join(folder, "work");
      await mkdir(work);
      const step = { name: recipe.title, logFile, log: (/** @type {string} */ line) => handle.log(line), signal };
      await recipe.build({
        step,
        work,
        pack: async (tar) => {
          const layer = await compress(tar, join(folder, BLOB));
          await writeFile(join(folder, DESCRIPTION), JSON.stringify({ ...layer, createdBy: recipe.createdBy }));
        },
      });
      await rm(work, { recursive: true });
    });
    handle.done({ cached });
    return { ...JSON.parse(await readFile(join(path, DESCRIPTION), "utf8")), blob: join(path, BLOB) };
  } catch (error) {
    handle.fail(error);
    throw error;
  }
}

/**
 * A folder as a reproducible tar stream: sorted names, one time stamp, owner root, and permissions 755 or 644.
 * @param {import("./command.mjs").Step} step
 * @param {string} folder
 * @param {(tar: import("node:stream").Readable) => Promise<void>} pack
 */
export async function packFolder(step, folder, pack) {
  const argv = ["tar", "--create", "--sort=name", `--mtime=@${SOURCE_DATE_EPOCH}`, "--owner=0", "--group=0", "--numeric-owner"];
  await run(step, "archive", [...argv, "--mode=u=rwX,go=rX", "--directory", folder, "."], { consume: pack });
}

/**
 * @param {import("node:stream").Readable} tar
 * @param {string} file
 * @returns {Promise<{ digest: string, size: number, diffId: string }>}
 */
async function compress(tar, file) {
  const compressor = spawn(/** @type {string} */ (COMPRESSOR[0]), COMPRESSOR.slice(1), { stdio: ["pipe", "pipe", "ignore"] });
  const uncompressed = measure();
  const compressed = measure();
  const exit = once(compressor, "close");
  await Promise.all([
    pipeline(tar, uncompressed.stream, compressor.stdin),
    pipeline(compressor.stdout, compressed.stream, createWriteStream(file)),
    exit,
  ]);
  const [code] = await exit;
  if (code !== 0) throw new Error(`${COMPRESSOR.join(" ")} exited with ${code}`);
  return { digest: compressed.digest(), size: compressed.size(), diffId: uncompressed.digest() };
}

/** A pass-through stream that measures what flows through it. */
function measure() {
  const hash = createHash("sha256");
  let size = 0;
  const stream = new Transform({
    transform(chunk, _encoding, next) {
      hash.update(chunk);
      size += chunk.length;
      next(null, chunk);
    },
  });
  return { stream, size: () => size, digest: () => `sha256:${hash.digest("hex")}` };
}

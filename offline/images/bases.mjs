import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { removeLeftovers, removeUnused } from "./cache.mjs";
import { buildLayer } from "./layers.mjs";
import { writeImage } from "./oci.mjs";
import { debian13Layer, debianLayer, machineAuthorities } from "./recipes/debian.mjs";
import { golangLayer, goVersion } from "./recipes/golang.mjs";
import { nodeLayer, nodeVersion } from "./recipes/node.mjs";

const BASES_FILE = fileURLToPath(new URL("../../docker/bases.json", import.meta.url));
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Debian packages that the builds here need. */
export const requiredPackages = ["mmdebstrap", "zstd", "util-linux"];

/**
 * An image ready to be served.
 * @typedef {{ name: string, tag: string, layout: string }} BuiltImage `layout` is an OCI layout folder
 */

/**
 * Reference → layers, the shared one first, and image configuration.
 * @type {Record<string, { layers: import("./layers.mjs").LayerRecipe[], config: () => Promise<import("./oci.mjs").ImageConfig> }>}
 */
const RECIPES = {
  "debian:bookworm-slim": {
    layers: [debianLayer],
    config: async () => ({ Env: [`PATH=${SYSTEM_PATH}`], Cmd: ["bash"] }),
  },
  "debian:trixie-slim": {
    layers: [debian13Layer],
    config: async () => ({ Env: [`PATH=${SYSTEM_PATH}`], Cmd: ["bash"] }),
  },
  "node:22-bookworm-slim": {
    layers: [debianLayer, nodeLayer],
    config: async () => ({ Env: [`PATH=${SYSTEM_PATH}`, `NODE_VERSION=${await nodeVersion()}`, ...(await nodeAuthorities())], Cmd: ["node"] }),
  },
  "golang:1.26-bookworm": {
    layers: [debianLayer, golangLayer],
    config: async () => ({
      Env: [`PATH=/go/bin:/usr/local/go/bin:${SYSTEM_PATH}`, `GOLANG_VERSION=${await goVersion()}`, "GOTOOLCHAIN=local", "GOPATH=/go"],
      Cmd: ["bash"],
      WorkingDir: "/go",
    }),
  },
};

/** Node.js trusts a list of its own; where the machine has authorities of its own, it is told to read the system's too. */
async function nodeAuthorities() {
  return (await machineAuthorities()).length > 0 ? ["NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"] : [];
}

/**
 * Builds every base image of docker/bases.json from packages, or takes it from the cache. Layers are built at the same time.
 * @param {{ cacheDir: string, progress: import("./layers.mjs").Progress, basesFile?: string, signal?: AbortSignal }} options
 *   images go to `<cacheDir>/images/`; `signal` stops the builds
 * @returns {Promise<BuiltImage[]>} in the order of the file
 * @throws {import("./command.mjs").BuildError} when a package manager fails; finished layers are kept
 * @throws {Error} on another machine than x86-64
 */
export async function buildBases({ cacheDir, progress, basesFile = BASES_FILE, signal }) {
  const { bases, without } = await readBases(basesFile);
  for (const sentence of without) progress.note?.(sentence);
  if (process.arch !== "x64") {
    throw new Error(`the offline base images are made for x86-64 only, this machine is ${process.arch}; use a Docker engine instead`);
  }
  const root = resolve(cacheDir, "images");
  await removeLeftovers(root);
  await removeUnused(root);

  const recipes = new Set(bases.flatMap(({ recipe }) => recipe.layers));
  const layers = await buildLayers([...recipes], { root, progress, ...(signal ? { signal } : {}) });
  return Promise.all(
    bases.map(async ({ name, tag, recipe }) => {
      const parts = recipe.layers.map((layer) => /** @type {import("./oci.mjs").Layer} */ (layers.get(layer)));
      const { path } = await writeImage({ root, name, tag, layers: parts, config: await recipe.config() });
      return { name, tag, layout: path };
    }),
  );
}

/**
 * Reads the list. An image without a recipe is left out, not an error of the list: what needs it fails when it asks the
 * mirror, and everything else works.
 * @param {string} file
 * @returns {Promise<{ bases: { name: string, tag: string, recipe: typeof RECIPES[string] }[], without: string[] }>}
 *   `without`: what has no recipe, as sentences for a person
 */
export async function readBases(file = BASES_FILE) {
  /** @type {{ bases: { name: string, tag: string }[] }} */
  const { bases } = JSON.parse(await readFile(file, "utf8"));
  const found = bases.map(({ name, tag }) => ({ name, tag, recipe: RECIPES[`${name}:${tag}`] }));
  return {
    bases: found.flatMap(({ name, tag, recipe }) => (recipe === undefined ? [] : [{ name, tag, recipe }])),
    without: found
      .filter(({ recipe }) => recipe === undefined)
      .map(({ name, tag }) => `docker/bases.json lists ${name}:${tag}, which has no offline recipe; there are ${Object.keys(RECIPES).join(", ")} (offline/images/bases.mjs)`),
  };
}

/**
 * Builds layers side by side. The first failure stops the others and is the one thrown.
 * @param {import("./layers.mjs").LayerRecipe[]} recipes
 * @param {{ root: string, progress: import("./layers.mjs").Progress, signal?: AbortSignal }} context
 * @returns {Promise<Map<import("./layers.mjs").LayerRecipe, import("./oci.mjs").Layer>>}
 */
export async function buildLayers(recipes, { root, progress, signal }) {
  const failure = new AbortController();
  const stop = AbortSignal.any([failure.signal, ...(signal ? [signal] : [])]);
  const results = await Promise.allSettled(
    recipes.map(async (recipe) => {
      try {
        return /** @type {const} */ ([recipe, await buildLayer(recipe, { root, progress, signal: stop })]);
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  if (stop.aborted) throw stop.reason;
  return new Map(results.map((result) => /** @type {PromiseFulfilledResult<readonly [any, any]>} */ (result).value));
}

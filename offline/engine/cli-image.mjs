import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildLayers } from "../images/bases.mjs";
import { packFolder } from "../images/layers.mjs";
import { writeImage } from "../images/oci.mjs";
import { debianLayer } from "../images/recipes/debian.mjs";
import { ENGINE_VERSION } from "./binaries.mjs";

/** Where the published engine's image lies; it holds the command line too. */
const NAME = "registry.dagger.io/engine";

/**
 * The command line as an image under the published engine's name and the path that it has there, for containers that call Dagger
 * themselves. It holds no engine: it stands in for the published image only where the command line is taken out of it.
 * @param {{ cacheDir: string, progress: import("../images/layers.mjs").Progress, signal: AbortSignal, binaries: { bin: string, key: string } }} options
 * @returns {Promise<import("../images/bases.mjs").BuiltImage>}
 */
export async function buildCliImage({ cacheDir, progress, signal, binaries }) {
  const root = join(cacheDir, "images");
  /** @type {import("../images/layers.mjs").LayerRecipe} */
  const cliLayer = {
    name: "dagger-cli",
    title: "image of the Dagger command line",
    createdBy: `dagger ${ENGINE_VERSION}`,
    inputs: async () => [await readFile(fileURLToPath(import.meta.url), "utf8"), binaries.key],
    async build({ step, work, pack }) {
      const bin = join(work, "layer", "usr", "local", "bin");
      await mkdir(bin, { recursive: true });
      await copyFile(join(binaries.bin, "dagger"), join(bin, "dagger"));
      await packFolder(step, join(work, "layer"), pack);
    },
  };
  const layers = await buildLayers([debianLayer, cliLayer], { root, progress, signal });
  const parts = [debianLayer, cliLayer].map((recipe) => /** @type {import("../images/oci.mjs").Layer} */ (layers.get(recipe)));
  const { path } = await writeImage({ root, name: NAME, tag: ENGINE_VERSION, layers: parts, config: { Env: ["PATH=/usr/local/bin:/usr/bin:/bin"] } });
  return { name: NAME, tag: ENGINE_VERSION, layout: path };
}

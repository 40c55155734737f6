import { cp, copyFile, link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GO_BUILD, GO_ENVIRONMENT } from "../go.mjs";
import { buildLayers } from "../images/bases.mjs";
import { cachedFolder, inputsKey } from "../images/cache.mjs";
import { run } from "../images/command.mjs";
import { layoutManifest, writeImage } from "../images/oci.mjs";
import { packFolder } from "../images/layers.mjs";
import { debianLayer } from "../images/recipes/debian.mjs";
import { nodeLayer } from "../images/recipes/node.mjs";

const CONTENT = fileURLToPath(new URL("content/", import.meta.url));
const SHIM = fileURLToPath(new URL("shim/", import.meta.url));
const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Not needed by the compiler API that scans a module.
const TYPESCRIPT_REMOVED = ["lib/cs", "lib/de", "lib/es", "lib/fr", "lib/it", "lib/ja", "lib/ko", "lib/pl", "lib/pt-br", "lib/ru", "lib/tr", "lib/zh-cn", "lib/zh-tw", "lib/_tsc.js", "lib/_tsserver.js"];

/** The names under which the engine looks for its builtin SDKs (core/sdk/loader.go). */
const VARIABLES = { go: "DAGGER_GO_SDK_MANIFEST_DIGEST", typescript: "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST" };

/**
 * Builds the content that the engine takes its builtin SDKs from: a folder in containerd's layout and the environment
 * variables that name the manifests in it. Only TypeScript modules are served; see README.md.
 * @param {{ cacheDir: string, progress: import("../images/layers.mjs").Progress, signal: AbortSignal, goVersion: string, binaries: { bin: string, key: string } }} options
 * @returns {Promise<{ content: string, environment: Record<string, string>, key: string }>}
 * @throws {import("../images/command.mjs").BuildError}
 */
export async function buildSdk({ cacheDir, progress, signal, goVersion, binaries }) {
  const root = join(cacheDir, "images");
  const shim = shimLayer(goVersion);
  const library = libraryLayer(goVersion, binaries);
  const layers = await buildLayers([debianLayer, nodeLayer, shim, library], { root, progress, signal });
  /** @param {import("../images/layers.mjs").LayerRecipe[]} recipes */
  const parts = (recipes) => recipes.map((recipe) => /** @type {import("../images/oci.mjs").Layer} */ (layers.get(recipe)));
  const images = {
    go: await writeImage({ root, name: "sdk-go", tag: "builtin", layers: parts([shim]), config: { Env: ["PATH=/usr/bin", "HOME=/root"] } }),
    typescript: await writeImage({ root, name: "sdk-typescript", tag: "builtin", layers: parts([debianLayer, nodeLayer, library]), config: { Env: [PATH] } }),
  };
  const key = inputsKey(Object.values(images).map(({ path }) => path));
  const { path: content } = await cachedFolder({ root, name: "sdk-content", key }, async (folder) => {
    const blobs = join(folder, "blobs", "sha256");
    await mkdir(blobs, { recursive: true });
    for (const { path } of Object.values(images)) {
      for (const blob of await readdir(join(path, "blobs", "sha256"))) await link(join(path, "blobs", "sha256", blob), join(blobs, blob));
    }
  });
  /** @type {Record<string, string>} */
  const environment = {};
  for (const [sdk, variable] of Object.entries(VARIABLES)) {
    environment[variable] = (await layoutManifest(images[/** @type {keyof typeof images} */ (sdk)].path)).digest;
  }
  return { content, environment, key };
}

/** @param {string} folder @returns {Promise<string[]>} contents of every file, named, in a fixed order */
async function contents(folder) {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && entry.parentPath.split("/").at(-1) !== "node_modules");
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Promise.all(paths.map(async (path) => `${path.slice(folder.length)}\n${await readFile(path, "utf8")}`));
}

/** @param {import("../images/command.mjs").Step} step @param {string} target */
async function buildShim(step, target) {
  await run(step, "Go modules", [...GO_BUILD, "-ldflags", "-s -w", "-o", target, "."], {
    cwd: SHIM,
    env: { ...process.env, ...GO_ENVIRONMENT },
  });
}

/** @param {string} goVersion @returns {import("../images/layers.mjs").LayerRecipe} */
function shimLayer(goVersion) {
  return {
    name: "sdk-go",
    title: "builtin SDK, module loader (Go modules)",
    createdBy: "offline/sdk/shim",
    inputs: async () => [goVersion, GO_BUILD, await contents(SHIM), await readFile(fileURLToPath(import.meta.url), "utf8")],
    async build({ step, work, pack }) {
      const bin = join(work, "layer", "usr", "bin");
      // The engine mounts caches over these and reads them beforehand.
      for (const folder of ["go/pkg/mod", "root/.cache/go-build", "tmp"]) await mkdir(join(work, "layer", folder), { recursive: true });
      await mkdir(bin, { recursive: true });
      await buildShim(step, join(bin, "codegen"));
      for (const name of ["go", "git"]) await link(join(bin, "codegen"), join(bin, name));
      await packFolder(step, join(work, "layer"), pack);
    },
  };
}

/** @param {string} goVersion @param {{ bin: string, key: string }} binaries @returns {import("../images/layers.mjs").LayerRecipe} */
function libraryLayer(goVersion, binaries) {
  return {
    name: "sdk-typescript",
    title: "builtin SDK, TypeScript (npm)",
    createdBy: "offline/sdk/content",
    inputs: async () => [goVersion, binaries.key, await contents(CONTENT), await readFile(fileURLToPath(import.meta.url), "utf8")],
    async build({ step, work, pack }) {
      const install = join(work, "install");
      await mkdir(install);
      for (const file of ["package.json", "package-lock.json", ".npmrc", "library.mjs", "bundle.mjs"]) await copyFile(join(CONTENT, file), join(install, file));
      await run(step, "npm", ["npm", "ci", "--ignore-scripts", "--prefix", install], { cwd: install });
      const sdk = join(work, "layer", "sdk");
      await mkdir(sdk, { recursive: true });
      await run(step, "npm", ["node", join(install, "bundle.mjs"), join(sdk, "library")], { cwd: install });

      const modules = join(sdk, "node_modules");
      await mkdir(join(modules, "@esbuild"), { recursive: true });
      for (const name of ["typescript", "esbuild", "@esbuild/linux-x64"]) await rename(join(install, "node_modules", name), join(modules, name));
      for (const path of TYPESCRIPT_REMOVED) await rm(join(modules, "typescript", path), { recursive: true, force: true });
      await cp(join(CONTENT, "template"), join(sdk, "template"), { recursive: true });
      await copyTypes(join(install, "node_modules", "@dagger.io", "dagger", "dist", "src"), join(sdk, "template", "core"));
      for (const file of ["prepare.mjs", "scan.mjs", "entrypoint.mjs"]) await copyFile(join(CONTENT, file), join(sdk, file));

      const local = join(work, "layer", "usr", "local", "bin");
      await mkdir(local, { recursive: true });
      await copyFile(join(binaries.bin, "codegen"), join(local, "codegen"));
      // The engine loads this folder as a Dagger module; the shim is what its code compiles to.
      const runtime = join(work, "layer", "runtime");
      await mkdir(runtime);
      await writeFile(join(runtime, "dagger.json"), JSON.stringify({ name: "typescript-sdk", engineVersion: "v0.19.10", sdk: { source: "go" } }));
      await packFolder(step, join(work, "layer"), pack);
    },
  };
}

/**
 * Copies declarations only, without the npm package's own client: the module's generated one takes its place.
 * @param {string} from @param {string} to
 */
async function copyTypes(from, to) {
  await cp(from, to, { recursive: true, filter: (path) => !path.endsWith(".map") && !path.endsWith(".js") && !path.includes("/module/introspector") });
  await writeFile(join(to, "api", "client.gen.d.ts"), 'export * from "../../client.gen.js";\n');
}

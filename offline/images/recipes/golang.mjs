import { chmod, copyFile, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../command.mjs";
import { packFolder } from "../layers.mjs";

const MODULE_FOLDER = fileURLToPath(new URL("../golang/", import.meta.url));
const MODULE_FILES = ["go.mod", "go.sum"];

/** The Go project publishes its toolchains as versions of this module. */
const TOOLCHAIN = "golang.org/toolchain";

// Module zips carry no permissions; these folders hold programs.
const PROGRAM_FOLDERS = ["bin", "pkg/tool/linux_amd64"];

/** @type {import("../layers.mjs").LayerRecipe} */
export const golangLayer = {
  name: "golang",
  title: "base image golang (Go modules)",
  createdBy: `go mod download ${TOOLCHAIN}`,
  inputs: () => Promise.all([fileURLToPath(import.meta.url), ...MODULE_FILES.map((file) => join(MODULE_FOLDER, file))].map((file) => readFile(file, "utf8"))),
  async build({ step, work, pack }) {
    const module = join(work, "module");
    await mkdir(module);
    for (const file of MODULE_FILES) await copyFile(join(MODULE_FOLDER, file), join(module, file));
    const modules = join(work, "modules");
    // A module cache of its own, so that nothing unpacked stays behind. The hash in go.sum is the check; the checksum
    // database is not asked.
    const env = { ...process.env, GOMODCACHE: modules, GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local", GOWORK: "off", GONOSUMDB: TOOLCHAIN };
    await run(step, "Go modules", ["go", "mod", "download"], { cwd: module, env });

    const root = join(work, "layer", "usr", "local", "go");
    await mkdir(join(work, "layer", "usr", "local"), { recursive: true });
    await rename(join(modules, `${TOOLCHAIN}@${await toolchainVersion()}`), root);
    await removeTests(join(root, "src"));
    for (const folder of PROGRAM_FOLDERS) {
      for (const program of await readdir(join(root, folder))) await chmod(join(root, folder, program), 0o755);
    }
    await mkdir(join(work, "layer", "go", "bin"), { recursive: true });
    await mkdir(join(work, "layer", "go", "src"));
    await packFolder(step, join(work, "layer"), pack);
  },
};

/** @returns {Promise<string>} version of Go in the image, such as 1.26.8 */
export async function goVersion() {
  return /** @type {string} */ (/-go([\d.]+)\./.exec(await toolchainVersion())?.[1]);
}

/** @returns {Promise<string>} module version, such as v0.0.1-go1.26.8.linux-amd64 */
async function toolchainVersion() {
  const text = await readFile(join(MODULE_FOLDER, "go.mod"), "utf8");
  const version = new RegExp(`${TOOLCHAIN} (\\S+)`).exec(text)?.[1];
  if (version === undefined) throw new Error(`offline/images/golang/go.mod does not require ${TOOLCHAIN}`);
  return version;
}

/**
 * Removes tests and their data: a fifth of the toolchain, and no build of another module reads them.
 * @param {string} folder
 */
async function removeTests(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name === "testdata") await rm(path, { recursive: true });
    else if (entry.isDirectory()) await removeTests(path);
    else if (entry.name.endsWith("_test.go")) await rm(path);
  }
}

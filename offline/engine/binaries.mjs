import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GO_BUILD, GO_ENVIRONMENT } from "../go.mjs";
import { cachedFolder, inputsKey } from "../images/cache.mjs";
import { run } from "../images/command.mjs";

const MODULE = fileURLToPath(new URL("module/", import.meta.url));
const INPUTS = ["go.mod", "go.sum", "distconsts/go.mod", "distconsts/distconsts.go"];

/** Version of Dagger that the module requires. */
export const ENGINE_VERSION = "v0.19.10";

const PACKAGES = ["dagger", "engine", "dnsname", "init", "codegen"];
const TAGS = "dfexcludepatterns,dfparents";
// Without these, client and engine disagree about their versions.
const LDFLAGS = ["Version", "Tag"].map((name) => `-X github.com/dagger/dagger/engine.${name}=${ENGINE_VERSION}`);

/**
 * Builds CLI and engine from Go modules, or takes them from the cache.
 * @param {{ cacheDir: string, progress: import("../images/layers.mjs").Progress, signal: AbortSignal, goVersion: string }} options
 *   `goVersion` is part of the key: another compiler gives another engine
 * @returns {Promise<{ bin: string, key: string }>} folder with dagger, engine, dnsname, dagger-init and codegen
 * @throws {import("../images/command.mjs").BuildError}
 */
export async function buildBinaries({ cacheDir, progress, signal, goVersion }) {
  const files = await Promise.all(INPUTS.map((file) => readFile(join(MODULE, file), "utf8")));
  const key = inputsKey([goVersion, process.arch, GO_BUILD, TAGS, LDFLAGS, PACKAGES, files]);
  const handle = progress.step(`Dagger ${ENGINE_VERSION} command line and engine (Go modules)`);
  try {
    const root = join(cacheDir, "build");
    await mkdir(join(cacheDir, "logs"), { recursive: true });
    const { path, cached } = await cachedFolder({ root, name: "engine", key }, async (folder) => {
      const step = { name: "Dagger command line and engine", logFile: join(cacheDir, "logs", "engine-build.log"), log: handle.log, signal };
      const argv = [...GO_BUILD, "-tags", TAGS, "-ldflags", ["-s", "-w", ...LDFLAGS].join(" "), "-o", `${folder}/`];
      await run(step, "Go modules", [...argv, ...PACKAGES.map((name) => `github.com/dagger/dagger/cmd/${name}`)], {
        cwd: MODULE,
        env: { ...process.env, ...GO_ENVIRONMENT },
      });
      await rename(join(folder, "init"), join(folder, "dagger-init"));
    });
    handle.done({ cached });
    return { bin: path, key };
  } catch (error) {
    handle.fail(error);
    throw error;
  }
}

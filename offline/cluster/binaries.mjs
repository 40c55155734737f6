import { cp, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { GO_BUILD, GO_ENVIRONMENT } from "../go.mjs";
import { cachedFolder, inputsKey } from "../images/cache.mjs";
import { run } from "../images/command.mjs";

const MODULE = fileURLToPath(new URL(".", import.meta.url));
const OVERLAYS = join(MODULE, "_overlay");

/** Version of Kubernetes that go.mod requires. */
export const KUBERNETES_VERSION = await requiredVersion("k8s.io/kubernetes");

const LDFLAGS = ["-s", "-w", `-X k8s.io/component-base/version.gitVersion=${KUBERNETES_VERSION}`].join(" ");

/**
 * A program of the node. `sources` are the folders of this module that it is made of, beside go.mod and go.sum; `overlay`
 * names modules of which some folders are replaced (see `overlaid`).
 * @typedef {{ name: string, title: string, package: string, sources: string[], overlay: Record<string, string> }} Program
 */

/**
 * The programs, in the order in which they are built: the first compiles what most of the others share.
 * @type {Program[]}
 */
export const PROGRAMS = [
  { name: "node", title: `Kubernetes ${KUBERNETES_VERSION}`, package: "./cmd/node", sources: ["cmd/node", "internal"], overlay: {} },
  { name: "containerd", title: "containerd", package: "github.com/containerd/containerd/v2/cmd/containerd", sources: [], overlay: {} },
  {
    name: "containerd-shim-runc-v2",
    title: "containerd's shim",
    package: "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
    sources: [],
    overlay: {},
  },
  { name: "pod-helper", title: "pod helper", package: "./cmd/pod-helper", sources: ["cmd/pod-helper"], overlay: {} },
  { name: "coredns", title: "CoreDNS", package: "./cmd/coredns", sources: ["cmd/coredns"], overlay: {} },
  { name: "metrics-server", title: "metrics-server", package: "sigs.k8s.io/metrics-server/cmd/metrics-server", sources: [], overlay: {} },
  {
    name: "local-path-provisioner",
    title: "local-path-provisioner",
    package: "github.com/rancher/local-path-provisioner",
    sources: [],
    overlay: {},
  },
  {
    name: "traefik",
    title: "Traefik",
    package: "github.com/traefik/traefik/v3/cmd/traefik",
    sources: ["_overlay"],
    overlay: { "github.com/go-acme/lego/v4": "lego", "github.com/traefik/traefik/v3": "traefik" },
  },
];

/**
 * Builds the node's programs from Go modules, or takes them from the cache.
 * @param {{ cacheDir: string, progress: import("../images/layers.mjs").Progress, signal: AbortSignal }} options programs go
 *   to `<cacheDir>/build/<name>-<hash>/<name>`
 * @returns {Promise<Map<string, string>>} program's name → its file
 * @throws {import("../images/command.mjs").BuildError} finished programs are kept
 */
export async function buildPrograms({ cacheDir, progress, signal }) {
  const { stdout: goVersion } = await promisify(execFile)("go", ["env", "GOVERSION"], { env: { ...process.env, ...GO_ENVIRONMENT } });
  const modules = await Promise.all(["go.mod", "go.sum"].map((file) => readFile(join(MODULE, file), "utf8")));
  /** @type {Map<string, string>} */
  const files = new Map();
  // One after the other: each uses every core, and two at once would compile what they share twice.
  for (const program of PROGRAMS) {
    const key = inputsKey([goVersion.trim(), process.arch, GO_BUILD, LDFLAGS, program, modules, await readSources(program.sources)]);
    files.set(program.name, await buildProgram(program, { cacheDir, progress, signal, key }));
  }
  return files;
}

/**
 * @param {Program} program
 * @param {{ cacheDir: string, progress: import("../images/layers.mjs").Progress, signal: AbortSignal, key: string }} context
 * @returns {Promise<string>} the program's file
 */
async function buildProgram(program, { cacheDir, progress, signal, key }) {
  const handle = progress.step(`${program.title} (Go modules)`);
  try {
    const logs = join(cacheDir, "logs");
    await mkdir(logs, { recursive: true });
    const { path, cached } = await cachedFolder({ root: join(cacheDir, "build"), name: program.name, key }, async (folder) => {
      const step = { name: program.title, logFile: join(logs, `${program.name}-build.log`), log: handle.log, signal };
      const work = join(folder, "work");
      const modfile = await overlaid(step, program.overlay, work);
      const argv = [...GO_BUILD, ...modfile, "-ldflags", LDFLAGS, "-o", join(folder, program.name), program.package];
      await run(step, "Go modules", argv, { cwd: MODULE, env: { ...process.env, ...GO_ENVIRONMENT } });
      await rm(work, { recursive: true, force: true });
    });
    handle.done({ cached });
    return join(path, program.name);
  } catch (error) {
    handle.fail(error);
    throw error;
  }
}

/**
 * Copies modules from the module cache, where go.sum has checked them, and replaces the Go files of some of their folders by
 * those in `_overlay/<name>`. Go refuses to lay files over the module cache itself.
 * @param {import("../images/command.mjs").Step} step
 * @param {Record<string, string>} overlay module path → folder of `_overlay`
 * @param {string} work folder to make
 * @returns {Promise<string[]>} arguments for `go build`
 */
async function overlaid(step, overlay, work) {
  if (Object.keys(overlay).length === 0) return [];
  await mkdir(work, { recursive: true });
  const modfile = join(work, "go.mod");
  await cp(join(MODULE, "go.mod"), modfile);
  await cp(join(MODULE, "go.sum"), join(work, "go.sum"));
  const env = { ...process.env, ...GO_ENVIRONMENT };
  for (const [module, name] of Object.entries(overlay)) {
    await run(step, "Go modules", ["go", "mod", "download", module], { cwd: MODULE, env });
    const { stdout } = await promisify(execFile)("go", ["list", "-m", "-f", "{{.Dir}}", module], { cwd: MODULE, env });
    const copy = join(work, name);
    // The module cache is read-only; the copy must be writable to be removed.
    await run(step, "archive", ["cp", "--recursive", "--no-preserve=mode,ownership", stdout.trim(), copy]);
    for (const folder of await goFolders(join(OVERLAYS, name))) {
      for (const file of await readdir(join(copy, folder))) {
        if (file.endsWith(".go")) await rm(join(copy, folder, file));
      }
      await cp(join(OVERLAYS, name, folder), join(copy, folder), { recursive: true });
    }
    await run(step, "Go modules", ["go", "mod", "edit", `-replace=${module}=${copy}`, modfile], { cwd: MODULE, env });
  }
  return [`-modfile=${modfile}`];
}

/**
 * @param {string} module path of a module
 * @returns {Promise<string>} the version that go.mod requires of it
 */
async function requiredVersion(module) {
  const version = new RegExp(`^\\s*${module} (v\\S+)`, "m").exec(await readFile(join(MODULE, "go.mod"), "utf8"))?.[1];
  if (version === undefined) throw new Error(`offline/cluster/go.mod does not require ${module}`);
  return version;
}

/**
 * @param {string} root
 * @returns {Promise<string[]>} the folders below it that hold Go files, relative to it
 */
async function goFolders(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".go")).map((entry) => entry.parentPath.slice(root.length + 1));
  return [...new Set(folders)];
}

/**
 * @param {string[]} folders of the module
 * @returns {Promise<[string, string][]>} path and text of every file in them that is part of a program
 */
async function readSources(folders) {
  /** @type {[string, string][]} */
  const sources = [];
  for (const folder of folders) {
    const entries = await readdir(join(MODULE, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || entry.name.endsWith("_test.go")) continue;
      const path = join(entry.parentPath, entry.name);
      sources.push([path.slice(MODULE.length), await readFile(path, "utf8")]);
    }
  }
  return sources.sort(([a], [b]) => (a < b ? -1 : 1));
}

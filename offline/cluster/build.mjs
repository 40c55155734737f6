import { chmod, copyFile, cp, link, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buildLayers } from "../images/bases.mjs";
import { removeLeftovers, removeUnused } from "../images/cache.mjs";
import { run } from "../images/command.mjs";
import { packFolder } from "../images/layers.mjs";
import { writeImage } from "../images/oci.mjs";
import { debianLayer } from "../images/recipes/debian.mjs";
import { KUBERNETES_VERSION, buildPrograms } from "./binaries.mjs";
import { debianProgramsLayer } from "./debian-programs.mjs";

const NAME = "todo-chat/offline-node";

/** The name under which a registry serves the node image; known before it is built. */
export const NODE_IMAGE = { name: NAME, tag: KUBERNETES_VERSION };

const HELPER_IMAGE = "docker.io/todo-chat/offline-pod-helper:1"; // internal/server/paths.go asks for it

/** Where the programs lie in the image; the entry point (internal/server/paths.go) knows these places. */
export const PLACES = {
  node: "usr/local/bin",
  containerd: "usr/local/bin",
  "containerd-shim-runc-v2": "usr/local/bin",
  coredns: "usr/local/lib/node-addons",
  "metrics-server": "usr/local/lib/node-addons",
  "local-path-provisioner": "usr/local/lib/node-addons",
  traefik: "usr/local/lib/node-addons",
};

/** Debian packages of the machine that the build needs. */
export const requiredPackages = ["mmdebstrap", "zstd", "util-linux"];

/**
 * Builds the offline node image, or takes it from the cache: a stand-in for the k3s image, made of upstream Kubernetes and
 * packages of Go and Debian.
 * @param {{ cacheDir: string, progress: import("../images/layers.mjs").Progress, signal?: AbortSignal }} options programs go to
 *   `<cacheDir>/build`, layers and the image to `<cacheDir>/images`
 * @returns {Promise<{ layout: string, reference: string }>} OCI layout folder, and the name under which a registry serves it
 * @throws {import("../images/command.mjs").BuildError} when a package manager fails; finished parts are kept
 */
export async function buildNodeImage({ cacheDir, progress, signal = new AbortController().signal }) {
  const root = resolve(cacheDir, "images");
  await removeLeftovers(root);
  await removeLeftovers(resolve(cacheDir, "build"));
  await removeUnused(resolve(cacheDir, "build"));
  const [programs, debian] = await Promise.all([
    buildPrograms({ cacheDir: resolve(cacheDir), progress, signal }),
    buildLayers([debianLayer, debianProgramsLayer], { root, progress, signal }),
  ]);
  const recipe = programsLayer(programs);
  const built = await buildLayers([recipe], { root, progress, signal });
  const layers = [debian.get(debianLayer), debian.get(debianProgramsLayer), built.get(recipe)];
  const { path } = await writeImage({
    root,
    name: NAME,
    tag: KUBERNETES_VERSION,
    layers: /** @type {import("../images/oci.mjs").Layer[]} */ (layers),
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "KUBECONFIG=/etc/rancher/k3s/k3s.yaml"],
      // tini reaps the shims that containerd leaves to the first process.
      Entrypoint: ["/usr/bin/tini", "-s", "--", "/usr/local/bin/node"],
      Cmd: ["server"],
      Labels: { "io.todo-chat.stand-in": `offline node image (upstream Kubernetes ${KUBERNETES_VERSION}) in the place of k3s` },
    },
  });
  return { layout: path, reference: `${NAME}:${KUBERNETES_VERSION}` };
}

/**
 * The layer with everything that was built here.
 * @param {Map<string, string>} programs name → file, in a folder whose name is its key
 * @returns {import("../images/layers.mjs").LayerRecipe}
 */
function programsLayer(programs) {
  return {
    name: "node",
    title: "node image",
    createdBy: `Kubernetes ${KUBERNETES_VERSION} from Go modules`,
    inputs: async () => [[...programs.values()], PLACES, HELPER_IMAGE, await readFile(new URL(import.meta.url), "utf8")],
    async build({ step, work, pack }) {
      const layer = join(work, "layer");
      for (const [name, place] of Object.entries(PLACES)) {
        await mkdir(join(layer, place), { recursive: true });
        await copyFile(/** @type {string} */ (programs.get(name)), join(layer, place, name));
      }
      // The multi-call binary under the name of the one component that people call.
      await link(join(layer, PLACES.node, "node"), join(layer, PLACES.node, "kubectl"));
      const share = join(layer, "usr/local/share/node");
      await mkdir(share, { recursive: true });
      await writeHelperArchive(step, work, /** @type {string} */ (programs.get("pod-helper")), join(share, "pod-helper.tar"));
      await packFolder(step, layer, pack);
    },
  };
}

/**
 * Writes the image of the node's own pods as an archive that containerd imports: a root with one program.
 * @param {import("../images/command.mjs").Step} step
 * @param {string} work
 * @param {string} program the pod helper
 * @param {string} archive file to write
 */
async function writeHelperArchive(step, work, program, archive) {
  const content = join(work, "helper");
  // Mount points of the pods, and the two names under which the program works.
  for (const folder of ["bin", "dev", "etc", "proc", "programs", "sys", "tmp"]) await mkdir(join(content, folder), { recursive: true });
  await copyFile(program, join(content, "bin/pause"));
  await chmod(join(content, "bin/pause"), 0o755);
  await link(join(content, "bin/pause"), join(content, "bin/sh"));
  const silent = { step: () => ({ log: step.log, done() {}, fail() {} }) };
  const recipe = {
    name: "helper",
    title: "pod helper",
    createdBy: "pod helper",
    inputs: async () => [],
    /** @param {{ pack: (tar: import("node:stream").Readable) => Promise<void> }} context */
    build: ({ pack }) => packFolder(step, content, pack),
  };
  const layers = await buildLayers([recipe], { root: work, progress: silent, signal: step.signal });
  const { path } = await writeImage({
    root: work,
    name: "helper",
    tag: KUBERNETES_VERSION,
    layers: [/** @type {import("../images/oci.mjs").Layer} */ (layers.get(recipe))],
    config: { Entrypoint: ["/bin/pause"], Env: ["PATH=/bin"] },
  });
  // containerd takes the full name from this annotation.
  const index = JSON.parse(await readFile(join(path, "index.json"), "utf8"));
  index.manifests[0].annotations["io.containerd.image.name"] = HELPER_IMAGE;
  const named = join(work, "named");
  await cp(path, named, { recursive: true });
  await writeFile(join(named, "index.json"), JSON.stringify(index));
  await run(step, "archive", ["tar", "--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--file", archive, "--directory", named, "."]);
}

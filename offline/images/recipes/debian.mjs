import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { run } from "../command.mjs";
import { SOURCE_DATE_EPOCH } from "../oci.mjs";

// What the slim variant of the upstream image leaves out too. dpkg keeps these rules inside the image, so that packages
// installed later are as small.
const EXCLUDED_PATHS = ["doc/*", "man/*", "info/*", "groff/*", "lintian/*", "linda/*", "locale/*"];

// apt in the image never keeps downloaded packages, like upstream.
const CLEAN_APT = 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; }';

// mmdebstrap copies the machine's resolv.conf and hostname; the engine gives every container its own.
const REMOVED = ["etc/resolv.conf", "etc/hostname", "var/cache/debconf/*-old", "var/lib/dpkg/*-old"];

const MMDEBSTRAP = [
  "mmdebstrap",
  "--variant=minbase",
  "--format=tar",
  // usr-is-merged satisfies what would else pull in usrmerge and with it 45 MB of perl.
  "--include=ca-certificates,usr-is-merged",
  "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
  "--skip=output/dev",
  '--aptopt=Acquire::Languages "none"',
  `--aptopt=${CLEAN_APT}`,
  ...EXCLUDED_PATHS.map((path) => `--dpkgopt=path-exclude=/usr/share/${path}`),
  "--dpkgopt=path-include=/usr/share/doc/*/copyright",
  `--customize-hook=rm -f ${REMOVED.map((path) => `"$1"/${path}`).join(" ")}`,
];

/**
 * Certificate authorities that the machine's administrator added, such as a company's proxy: what the machine has to trust to
 * reach its package registries, builds in containers have to trust too. Deployed images take only Debian's own list.
 */
const MACHINE_AUTHORITIES = "/usr/local/share/ca-certificates";

/** @returns {Promise<string[]>} paths of the machine's own authorities, sorted */
export async function machineAuthorities() {
  const names = await readdir(MACHINE_AUTHORITIES).catch(() => /** @type {string[]} */ ([]));
  return names.filter((name) => name.endsWith(".crt")).sort().map((name) => join(MACHINE_AUTHORITIES, name));
}

/** @param {string[]} authorities @returns {string[]} options of mmdebstrap */
function authorityHooks(authorities) {
  if (authorities.length === 0) return [];
  return [`--customize-hook=cp ${authorities.join(" ")} "$1"${MACHINE_AUTHORITIES}/`, '--customize-hook=chroot "$1" update-ca-certificates'];
}

// The root file system is made in memory, in mount and process namespaces of its own: dpkg's syncs cost nothing there, and
// the kernel takes mounts and processes away when the command ends, however it ends. Argument 0 is the folder to build in.
const IN_MEMORY = 'mount -t tmpfs tmpfs "$0" || echo "no tmpfs, building on disk" >&2; TMPDIR="$0" exec "$@"';

/**
 * @param {string} name of the layer
 * @param {string} suite such as bookworm
 * @returns {import("../layers.mjs").LayerRecipe}
 */
function suiteLayer(name, suite) {
  return {
    name,
    title: `base image ${name} (apt)`,
    createdBy: `mmdebstrap ${suite}`,
    inputs: async () => [suite, await readFile(new URL(import.meta.url), "utf8"), await Promise.all((await machineAuthorities()).map((path) => readFile(path, "utf8")))],
    async build({ step, work, pack }) {
      const sources = debianSources(await aptIndexTargets(), suite);
      step.log(sources.length > 0 ? `sources of this machine: ${sources.join(", ")}` : "sources: mmdebstrap's default");
      await run(
        step,
        "apt",
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", IN_MEMORY, work, ...MMDEBSTRAP, ...authorityHooks(await machineAuthorities()), suite, "-", ...sources],
        { env: { ...process.env, SOURCE_DATE_EPOCH: String(SOURCE_DATE_EPOCH) }, consume: pack },
      );
    },
  };
}

/** Debian 12, below every other layer. */
export const debianLayer = suiteLayer("debian", "bookworm");

/** Debian 13, for what Debian 12 has too old. */
export const debian13Layer = suiteLayer("debian-13", "trixie");

/**
 * The machine's own sources, so that a machine behind a mirror of Debian uses that mirror here too, also for another suite than its own.
 * @param {string} targets lines `URI CODENAME COMPONENT ORIGIN`, as apt-get indextargets prints them
 * @param {string} suite what is built
 * @returns {string[]} lines for sources.list; empty when the machine runs no suite of Debian that is known here
 */
export function debianSources(targets, suite) {
  /** @type {Map<string, string[]>} */
  const components = new Map();
  for (const line of targets.split("\n")) {
    const [uri, codename, component, origin] = line.split(" ");
    if (uri === undefined || codename === undefined || component === undefined) continue;
    const [, own, part = ""] = /^(bookworm|trixie)(-updates|-security)?$/.exec(codename) ?? [];
    if (origin !== "Debian" || own === undefined) continue;
    const source = `deb ${uri} ${suite}${part}`;
    const known = components.get(source) ?? [];
    if (!known.includes(component)) components.set(source, [...known, component]);
  }
  const sources = [...components].map(([source, names]) => `${source} ${names.join(" ")}`);
  return sources.some((source) => source.includes(` ${suite} `)) ? sources : [];
}

/** @returns {Promise<string>} empty when apt knows no package lists */
async function aptIndexTargets() {
  const format = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)";
  const { stdout } = await promisify(execFile)("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  return stdout;
}

import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { run } from "../images/command.mjs";
import { packFolder } from "../images/layers.mjs";
import { debianSources } from "../images/recipes/debian.mjs";

const SUITE = "bookworm";
const PACKAGES = ["runc", "containernetworking-plugins", "iptables", "tini"];

/**
 * What the node uses of these packages and of the libraries they depend on. The base image has the C library.
 * Patterns of `tar`.
 */
const FILES = [
  "./usr/bin/tini",
  "./usr/sbin/runc",
  ...["host-local", "loopback", "portmap", "ptp"].map((plugin) => `./usr/lib/cni/${plugin}`),
  "./usr/sbin/ip*tables*",
  "./usr/sbin/xtables-*-multi",
  "./usr/lib/x86_64-linux-gnu/xtables/*",
  ...["ip4tc", "ip6tc", "mnl", "netfilter_conntrack", "nfnetlink", "nftnl", "seccomp", "xtables"].map(
    (library) => `./usr/lib/x86_64-linux-gnu/lib${library}.so.*`,
  ),
];

/** @type {import("../images/layers.mjs").LayerRecipe} */
export const debianProgramsLayer = {
  name: "node-debian",
  title: "runc, network plugins, iptables (apt)",
  createdBy: `${PACKAGES.join(", ")} of ${SUITE}`,
  inputs: async () => [await readFile(new URL(import.meta.url), "utf8")],
  async build({ step, work, pack }) {
    const archive = join(work, "packages.tar");
    const root = join(work, "layer");
    await mkdir(root);
    await run(step, "apt", [
      "mmdebstrap",
      // The packages and what they depend on, unpacked: nothing is installed or run.
      "--variant=extract",
      "--format=tar",
      `--include=${PACKAGES.join(",")}`,
      "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
      "--skip=output/dev",
      '--aptopt=Acquire::Languages "none"',
      SUITE,
      archive,
      ...debianSources(await packageLists(), SUITE),
    ]);
    await run(step, "archive", ["tar", "--extract", "--file", archive, "--directory", root, "--wildcards", ...FILES]);
    await packFolder(step, root, pack);
  },
};

/** @returns {Promise<string>} the machine's package lists, in the form that `debianSources` reads */
async function packageLists() {
  const format = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)";
  const { stdout } = await promisify(execFile)("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  return stdout;
}

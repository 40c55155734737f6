/** The few commands that change the machine: one network namespace, one veth pair, three firewall rules, one sysctl, control groups. */
import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import { BlockList } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);
const IP_FORWARD = "/proc/sys/net/ipv4/ip_forward";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const CGROUPS = "/sys/fs/cgroup";
/** Of the machine, not of one cache folder: it is the same setting for every engine. */
const SAVED_FORWARDING = "/run/todo-chat/ip_forward.json";

/** Type of the file system that a bound namespace is a file of (linux/magic.h). */
const NSFS_MAGIC = 0x6e736673;

/** Longest wait in ms for the kernel to let go of a control group whose processes have ended. */
const CGROUP_TIMEOUT = 4_000;

/** Networks of a /30 for the veth pair, and for the engine's containers behind it, are taken from these. */
const LINK_NETWORKS = ["10.213", "192.168"].flatMap((prefix) => Array.from({ length: 64 }, (_, index) => `${prefix}.${index * 4}.0/30`));
const CONTAINER_NETWORKS = ["10.87.0.0/16", "10.214.0.0/16", "172.29.0.0/16", "192.168.208.0/20"];

/**
 * Names of everything that one engine adds to the machine.
 * @param {string} id eight hexadecimal digits
 */
export function hostNames(id) {
  return { outside: `tc${id}o`, inside: `tc${id}i`, cgroup: `todo-chat-${id}`, comment: `todo-chat-${id}` };
}

/** @param {string} command @param {string[]} args @returns {Promise<string>} standard output */
async function command(command, ...args) {
  try {
    return (await execute(command, args)).stdout;
  } catch (cause) {
    const stderr = /** @type {{ stderr?: string }} */ (cause).stderr?.trim();
    throw new Error(`${command} ${args.join(" ")} failed: ${stderr || /** @type {Error} */ (cause).message}`, { cause });
  }
}

/**
 * Picks networks that the machine does not use.
 * @param {string} listing output of `ip -4 -o addr` and `ip -4 route` together
 * @param {number} seed where the search starts, so that two engines rarely try the same
 * @returns {{ outside: string, inside: string, link: string, containers: string }} two addresses and two networks
 * @throws {Error} when every candidate is in use
 */
export function pickNetworks(listing, seed) {
  const used = [...listing.matchAll(/(?<![\d.])(\d+\.\d+\.\d+\.\d+)(\/\d+)?/g)].map(([, address, length = "/32"]) => `${address}${length}`);
  const free = (/** @type {string} */ network) => !used.some((other) => overlap(network, other));
  const link = LINK_NETWORKS.map((_, index) => /** @type {string} */ (LINK_NETWORKS[(index + seed) % LINK_NETWORKS.length])).find(free);
  const containers = CONTAINER_NETWORKS.find((network) => free(network) && (link === undefined || !overlap(network, link)));
  if (link === undefined || containers === undefined) {
    throw new Error("no free private network for the engine: this machine uses all of 10.213.0.0/16 and 192.168.0.0/16, or all of " + CONTAINER_NETWORKS.join(", "));
  }
  const prefix = link.slice(0, link.lastIndexOf(".") + 1);
  return { outside: `${prefix}1`, inside: `${prefix}2`, link, containers };
}

/** @param {string} one @param {string} other networks or addresses as address/length; a route to everything overlaps nothing */
function overlap(one, other) {
  const within = (/** @type {string} */ inner, /** @type {string} */ outer) => {
    const [address = "", length] = outer.split("/");
    const network = new BlockList();
    network.addSubnet(address, Number(length));
    return network.check(/** @type {string} */ (inner.split("/")[0]));
  };
  return !other.endsWith("/0") && (within(one, other) || within(other, one));
}

/**
 * Makes the engine's network: a namespace, a veth pair, address translation and forwarding for it.
 * @param {string} id
 * @param {string} namespace file that the namespace is bound to
 * @returns {Promise<ReturnType<typeof pickNetworks>>}
 */
export async function createNetwork(id, namespace) {
  const { outside, inside, comment } = hostNames(id);
  const used = (await command("ip", "-4", "-o", "addr")) + (await command("ip", "-4", "route"));
  const networks = pickNetworks(used, Number.parseInt(id, 16));
  await writeFile(namespace, "");
  await command("unshare", `--net=${namespace}`, "true");
  await command("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", namespace);
  await command("ip", "addr", "add", `${networks.outside}/30`, "dev", outside);
  await command("ip", "link", "set", outside, "up");
  await command("nsenter", `--net=${namespace}`, "ip", "addr", "add", `${networks.inside}/30`, "dev", inside);
  await command("nsenter", `--net=${namespace}`, "ip", "link", "set", inside, "up");
  await command("nsenter", `--net=${namespace}`, "ip", "route", "add", "default", "via", networks.outside);
  for (const rule of rules(networks.link, outside)) await command("iptables", "-w", "-t", rule.table, "-I", ...rule.match, "-m", "comment", "--comment", comment);
  await enableForwarding();
  return networks;
}

/** @param {string} link @param {string} outside */
function rules(link, outside) {
  return [
    { table: "nat", match: ["POSTROUTING", "-s", link, "!", "-o", outside, "-j", "MASQUERADE"] },
    { table: "filter", match: ["FORWARD", "-i", outside, "-j", "ACCEPT"] },
    { table: "filter", match: ["FORWARD", "-o", outside, "-j", "ACCEPT"] },
  ];
}

/**
 * Takes away whatever is left of an engine's network and control groups. Its processes must have ended. Nothing of it
 * existing is fine.
 * @param {string} id
 * @param {string} namespace file that the network namespace was bound to
 * @throws {Error} when something cannot be taken away, with its name
 */
export async function removeNetwork(id, namespace) {
  const { outside, cgroup, comment } = hostNames(id);
  while (await isNamespace(namespace)) await command("umount", namespace);
  await rm(namespace, { force: true });
  // The kernel takes the pair away with the namespace, but later; and a mount namespace that was copied meanwhile keeps it.
  if ((await linkNames()).includes(outside)) {
    await command("ip", "link", "delete", outside).catch(async (error) => {
      if ((await linkNames()).includes(outside)) throw error;
    });
  }
  for (const table of ["nat", "filter"]) {
    const listed = await command("iptables", "-w", "-t", table, "-S");
    for (const line of listed.split("\n").filter((rule) => rule.includes(`--comment ${comment} `) || rule.includes(`--comment "${comment}"`))) {
      await command("iptables", "-w", "-t", table, "-D", ...line.replaceAll('"', "").split(" ").slice(1));
    }
  }
  await restoreForwarding();
  for (const group of await groupsNamed(cgroup)) await removeGroup(group);
}

/** @param {string} file @returns {Promise<boolean>} */
async function isNamespace(file) {
  return statfs(file).then(({ type }) => type === NSFS_MAGIC, () => false);
}

/** @returns {Promise<string[]>} */
async function linkNames() {
  const listing = await command("ip", "-o", "link");
  return [...listing.matchAll(/^\d+: ([^:@\s]+)/gm)].map(([, name]) => /** @type {string} */ (name));
}

/** @returns {Promise<boolean>} whether an engine of any cache folder of this machine has its network */
async function hasEngineLinks() {
  return (await linkNames()).some((name) => /^tc[0-9a-f]{8}o$/.test(name));
}

/** Lets the machine forward packets, remembering its own setting until the last engine is gone. */
async function enableForwarding() {
  const value = (await readFile(IP_FORWARD, "utf8")).trim();
  if (value === "1") return;
  await mkdir(dirname(SAVED_FORWARDING), { recursive: true });
  await writeFile(SAVED_FORWARDING, JSON.stringify({ value, boot: await readFile(BOOT_ID, "utf8") }));
  await writeFile(IP_FORWARD, "1");
}

/** Gives the machine back its own forwarding setting when the last engine is gone; one of an earlier boot is void. */
async function restoreForwarding() {
  const saved = await readFile(SAVED_FORWARDING, "utf8").catch(() => undefined);
  if (saved === undefined || (await hasEngineLinks())) return;
  try {
    const { value, boot } = JSON.parse(saved);
    if (boot === (await readFile(BOOT_ID, "utf8"))) await writeFile(IP_FORWARD, value);
  } catch (error) {
    // Cut off while it was written, so before the setting was changed.
    if (!(error instanceof SyntaxError)) throw error;
  }
  await rm(SAVED_FORWARDING, { force: true });
  await rmdir(dirname(SAVED_FORWARDING)).catch(() => undefined);
}

/**
 * Kills every process of an engine: those in its control group, and those on their way into it. So it needs no record of
 * them; a launcher that was killed between starting the engine and writing its state leaves none.
 * @param {string} id
 * @param {string} mirrorDir folder that the engine's image mirror serves
 * @returns {Promise<number>} how many there were
 */
export async function killProcesses(id, mirrorDir) {
  const { cgroup } = hostNames(id);
  const grouped = (await Promise.all((await groupsNamed(cgroup)).map(processesOf))).flat();
  const coming = await processesWith((argv) => hasProgram(argv, "enter.sh") && argv.includes(cgroup));
  const mirrors = await processesWith((argv) => hasProgram(argv, "mirror-server.mjs") && argv.includes(mirrorDir));
  const pids = new Set([...grouped, ...coming, ...mirrors]);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
  return pids.size;
}

/** @param {string[]} argv @param {string} file */
function hasProgram(argv, file) {
  return argv.some((argument) => argument.endsWith(`/${file}`));
}

/** @param {(argv: string[]) => boolean} matches @returns {Promise<number[]>} */
async function processesWith(matches) {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return pids.filter((_, index) => matches(/** @type {string} */ (lines[index]).split("\0"))).map(Number);
}

/** @param {string} name @returns {Promise<string[]>} where a control group of that name can be: in one tree, or in one per controller */
async function groupsNamed(name) {
  return [CGROUPS, ...(await readdir(CGROUPS)).map((controller) => join(CGROUPS, controller))].map((folder) => join(folder, name));
}

/** @param {string} group @returns {Promise<number[]>} processes in a control group and below it */
async function processesOf(group) {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  const own = await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "");
  const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => processesOf(join(group, entry.name))));
  return [...own.split("\n").filter(Boolean).map(Number), ...below.flat()];
}

/** @param {string} folder a control group; its children go first */
async function removeGroup(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((child) => child.isDirectory())) await removeGroup(join(folder, entry.name));
  const deadline = Date.now() + CGROUP_TIMEOUT;
  for (;;) {
    try {
      return await rmdir(folder);
    } catch (error) {
      const code = /** @type {NodeJS.ErrnoException} */ (error).code;
      if (code === "ENOENT" || code === "ENOTDIR") return;
      // A process that has ended holds its group until its parent has asked for its exit code.
      if (code !== "EBUSY" || Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

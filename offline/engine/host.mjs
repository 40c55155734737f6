/** The few commands that change the machine: one network namespace, one veth pair, three firewall rules, one sysctl. */
import { execFile } from "node:child_process";
import { readFile, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const IP_FORWARD = "/proc/sys/net/ipv4/ip_forward";
const CGROUPS = "/sys/fs/cgroup";

/** Networks of a /30 for the veth pair, and for the engine's containers behind it, are taken from these. */
const LINK_NETWORKS = Array.from({ length: 64 }, (_, index) => `10.213.${index * 4}`);
const CONTAINER_NETWORKS = ["10.87.0.0/16", "10.214.0.0/16", "172.29.0.0/16", "192.168.208.0/20"];

/**
 * Names of everything that one engine adds to the machine.
 * @param {string} id eight hexadecimal digits
 */
export function hostNames(id) {
  return { namespace: `todo-chat-${id}`, outside: `tc${id}o`, inside: `tc${id}i`, cgroup: `todo-chat-${id}`, comment: `todo-chat-${id}` };
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
 * @param {string} addresses output of `ip -4 -o addr` and `ip -4 route` together
 * @param {number} seed where the search starts, so that two engines rarely try the same
 * @returns {{ outside: string, inside: string, link: string, containers: string }}
 * @throws {Error} when every candidate is in use
 */
export function pickNetworks(addresses, seed) {
  const free = (/** @type {string} */ prefix) => !new RegExp(`(^|[^0-9.])${prefix.replaceAll(".", "\\.")}\\.`, "m").test(addresses);
  const rotated = LINK_NETWORKS.map((_, index) => /** @type {string} */ (LINK_NETWORKS[(index + seed) % LINK_NETWORKS.length]));
  const link = rotated.find(free);
  const containers = CONTAINER_NETWORKS.find((cidr) => free(cidr.split(".").slice(0, 2).join(".")));
  if (link === undefined || containers === undefined) {
    throw new Error(`no free private network for the engine: all of ${LINK_NETWORKS[0]}.0/30 … or ${CONTAINER_NETWORKS.join(", ")} are in use on this machine`);
  }
  return { outside: `${link}.1`, inside: `${link}.2`, link: `${link}.0/30`, containers };
}

/**
 * Makes the engine's network: a namespace, a veth pair, address translation and forwarding for it.
 * @param {string} id
 * @param {string} savedForwarding file that keeps the machine's own forwarding setting
 * @returns {Promise<ReturnType<typeof pickNetworks>>}
 */
export async function createNetwork(id, savedForwarding) {
  const { namespace, outside, inside, comment } = hostNames(id);
  const used = (await command("ip", "-4", "-o", "addr")) + (await command("ip", "-4", "route"));
  const networks = pickNetworks(used, Number.parseInt(id, 16));
  await command("ip", "netns", "add", namespace);
  await command("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", namespace);
  await command("ip", "addr", "add", `${networks.outside}/30`, "dev", outside);
  await command("ip", "link", "set", outside, "up");
  await command("ip", "-n", namespace, "addr", "add", `${networks.inside}/30`, "dev", inside);
  await command("ip", "-n", namespace, "link", "set", inside, "up");
  await command("ip", "-n", namespace, "route", "add", "default", "via", networks.outside);
  const forwarding = (await readFile(IP_FORWARD, "utf8")).trim();
  if (forwarding !== "1") {
    await writeFile(savedForwarding, forwarding);
    await writeFile(IP_FORWARD, "1");
  }
  for (const rule of rules(networks.link, outside)) await command("iptables", "-w", "-t", rule.table, "-I", ...rule.match, "-m", "comment", "--comment", comment);
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
 * Takes away whatever is left of an engine's network and control groups. Nothing of it existing is fine.
 * @param {string} id
 */
export async function removeNetwork(id) {
  const { namespace, outside, cgroup, comment } = hostNames(id);
  const namespaces = await command("ip", "netns", "list");
  if (namespaces.split("\n").some((line) => line.split(" ")[0] === namespace)) await command("ip", "netns", "delete", namespace);
  const links = await command("ip", "-o", "link");
  if (links.includes(` ${outside}@`) || links.includes(` ${outside}:`)) await command("ip", "link", "delete", outside).catch(() => undefined);
  for (const table of ["nat", "filter"]) {
    const listed = await command("iptables", "-w", "-t", table, "-S");
    for (const line of listed.split("\n").filter((rule) => rule.includes(`--comment ${comment} `) || rule.includes(`--comment "${comment}"`))) {
      await command("iptables", "-w", "-t", table, "-D", ...line.replaceAll('"', "").split(" ").slice(1));
    }
  }
  for (const folder of [CGROUPS, ...(await readdir(CGROUPS)).map((name) => join(CGROUPS, name))]) await removeGroup(join(folder, cgroup));
}

/**
 * Kills every process of an engine. It finds them by their control group, so it needs no record of them: a launcher that
 * was killed between starting the engine and writing its state leaves none.
 * @param {string} id
 * @returns {Promise<number>} how many there were
 */
export async function killProcesses(id) {
  const { cgroup } = hostNames(id);
  const groups = [CGROUPS, ...(await readdir(CGROUPS)).map((name) => join(CGROUPS, name))].map((folder) => join(folder, cgroup));
  const pids = new Set((await Promise.all(groups.map(processesOf))).flat());
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
  return pids.size;
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
  await rmdir(folder).catch(() => undefined);
}

/**
 * Gives the machine back its own forwarding setting, when an engine changed it.
 * @param {string} savedForwarding
 */
export async function restoreForwarding(savedForwarding) {
  const saved = await readFile(savedForwarding, "utf8").catch(() => undefined);
  if (saved === undefined) return;
  await writeFile(IP_FORWARD, saved);
  await rm(savedForwarding);
}

import { readFileSync } from "node:fs";

/**
 * Identity of a process that survives the reuse of its number: the pid together with the kernel's start time.
 * @typedef {{ pid: number, startTime: string }} ProcessIdentity
 */

/**
 * Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat, see proc(5)).
 * @param {number} pid
 * @returns {string | undefined} undefined when there is no such process, or only its zombie is left
 */
export function processStartTime(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field, the command in parentheses, may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}

/** @returns {ProcessIdentity} */
export function ownIdentity() {
  return { pid: process.pid, startTime: /** @type {string} */ (processStartTime(process.pid)) };
}

/**
 * @param {ProcessIdentity} identity
 * @returns {boolean} true only when that very process runs, not another one with its recycled number
 */
export function isAlive({ pid, startTime }) {
  return processStartTime(pid) === startTime;
}

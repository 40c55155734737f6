/**
 * Which calls start a Kubernetes cluster, and with which image where no registry is reached. The module takes the image as an
 * argument; nothing in it knows whether it runs offline.
 */
import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

/** Functions of the module that start a cluster. */
const CLUSTER_FUNCTIONS = ["ci", "ci-report", "cluster", "conformance", "conformance-mutations", "deployer-benchmark", "faults", "rehearsal"];

/** Those about a cluster that is kept, for the clone of the repository that they are called in. */
const LAPTOP_FUNCTIONS = ["cluster", "kubeconfig", "sideload"];

/** Those that start one for a single check, which can be left out, by its name or by the names of others. */
const CHECK_FUNCTIONS = ["ci", "ci-report"];
const CLUSTER_CHECK = "conformance";

const OPTION = "--cluster-image";
const CLONE_OPTION = "--clone";

/** @param {string} folder where the CLI is called @returns {boolean} whether the Dagger module there is this project's */
export function isOurModule(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "dagger.json"), "utf8")).name === "todo-chat";
  } catch {
    return false;
  }
}

/**
 * @param {string[]} args arguments of the CLI
 * @param {string} [folder] where it is called
 * @returns {boolean} whether the call is one of this project's module that starts a cluster, and names no image itself
 */
export function needsClusterImage(args, folder = process.cwd()) {
  const call = args.indexOf("call");
  if (call < 0 || args.some((arg) => arg === "--help" || arg === "-h" || arg === OPTION || arg.startsWith(`${OPTION}=`))) return false;
  const called = args.slice(call + 1).find((arg) => CLUSTER_FUNCTIONS.includes(arg));
  if (called === undefined || (CHECK_FUNCTIONS.includes(called) && isLeftOut(args, CLUSTER_CHECK))) return false;
  return isOurModule(folder);
}

/** @param {string[]} args @param {string} check @returns {boolean} whether `--skip` names it, or `--only` names others */
function isLeftOut(args, check) {
  const only = listed(args, "--only");
  return listed(args, "--skip").includes(check) || (only.length > 0 && !only.includes(check));
}

/** @param {string[]} args @param {string} option @returns {string[]} the checks that it names, in each way of writing a list */
function listed(args, option) {
  return args.flatMap((arg, index) => (arg.startsWith(`${option}=`) ? arg.slice(option.length + 1) : args[index - 1] === option ? arg : "").split(",")).filter(Boolean);
}

/**
 * @param {string[]} args arguments of a call that needs the image
 * @returns {boolean} whether it has work for minutes before it needs it: the checks, unless conformance is the only one
 */
export function needsItLater(args) {
  const only = listed(args, "--only");
  return args.some((arg) => CHECK_FUNCTIONS.includes(arg)) && (only.length === 0 || only.some((name) => name !== CLUSTER_CHECK));
}

/** @param {string[]} args arguments with `call` in them @param {string} reference image @returns {string[]} the same call, with the image */
export function withClusterImage(args, reference) {
  const call = args.indexOf("call") + 1;
  return [...args.slice(0, call), `${OPTION}=${reference}`, ...args.slice(call)];
}

/**
 * @param {string[]} args arguments of the CLI
 * @param {string} [folder] where it is called: the repository
 * @returns {string[]} the same call, which says where the cluster that it is about belongs
 */
export function withClone(args, folder = process.cwd()) {
  const call = args.indexOf("call") + 1;
  if (call === 0 || args.some((arg) => arg === CLONE_OPTION || arg.startsWith(`${CLONE_OPTION}=`))) return args;
  if (!args.slice(call).some((arg) => LAPTOP_FUNCTIONS.includes(arg)) || !isOurModule(folder)) return args;
  const clone = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 12);
  return [...args.slice(0, call), `${CLONE_OPTION}=${clone}`, ...args.slice(call)];
}

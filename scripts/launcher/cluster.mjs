/**
 * Which calls start a Kubernetes cluster, and with which image where no registry is reached. The module takes the image as an
 * argument; nothing in it knows whether it runs offline.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Functions of the module that start a cluster. */
const CLUSTER_FUNCTIONS = ["ci", "ci-report", "cluster", "conformance", "conformance-mutations", "deployer-benchmark", "faults", "rehearsal"];

/** Those that start one for a single check, which can be left out. */
const CHECK_FUNCTIONS = ["ci", "ci-report"];
const CLUSTER_CHECK = "conformance";

const OPTION = "--cluster-image";

/** @param {string} folder @returns {string | undefined} name of the Dagger module there */
function moduleName(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "dagger.json"), "utf8")).name;
  } catch {
    return undefined;
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
  if (called === undefined || (CHECK_FUNCTIONS.includes(called) && leftOut(args).includes(CLUSTER_CHECK))) return false;
  return moduleName(folder) === "todo-chat";
}

/** @param {string[]} args @returns {string[]} the checks that `--skip` names, in each way of writing a list */
function leftOut(args) {
  return args.flatMap((arg, index) => (arg.startsWith("--skip=") ? arg.slice("--skip=".length) : args[index - 1] === "--skip" ? arg : "").split(","));
}

/** @param {string[]} args arguments with `call` in them @param {string} reference image @returns {string[]} the same call, with the image */
export function withClusterImage(args, reference) {
  const call = args.indexOf("call") + 1;
  return [...args.slice(0, call), `${OPTION}=${reference}`, ...args.slice(call)];
}

#!/usr/bin/env node
// `npm run steady -- 20`: runs the conformance suite so many times, each on a fresh cluster, and tells of each requirement how often it
// was asked, how often it was not kept, and how long it took at most. Exit code 0 when nothing failed. Options:
//   --random        another order each time, which the run's report names
//   --only=CONF-302 some requirements, as `call conformance` takes them
// Reports of the runs are kept in report/steady. Ctrl-C ends the run under way and tells what is known.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isSteady, report } from "./steady/figures.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "report", "steady");
const USAGE = "usage: npm run steady -- RUNS [--random] [--only=CONF-001,…]";

/** @param {string[]} argv */
function parse(argv) {
  const [count, ...options] = argv;
  const runs = Number(count);
  const unknown = options.filter((option) => option !== "--random" && !/^--only=CONF-\d{3}(,CONF-\d{3})*$/.test(option));
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000 || unknown.length > 0) {
    console.error(`${unknown.length > 0 ? `unknown: ${unknown.join(" ")}` : `RUNS must be a whole number from 1 to 1000, current value ${count ?? "none"}`}\n${USAGE}`);
    process.exit(3);
  }
  return { runs, random: options.includes("--random"), only: options.filter((option) => option.startsWith("--only=")) };
}

const { runs: wanted, random, only } = parse(process.argv.slice(2));
let interrupted = false;
process.on("SIGINT", () => void (interrupted = true));

/** @param {number} number @returns {Promise<import("./steady/figures.mjs").Run>} */
async function once(number) {
  const path = join(folder, String(number));
  const seed = random ? [`--seed=${1 + Math.floor(Math.random() * 999_999)}`] : [];
  const begun = Date.now();
  const child = spawn(process.execPath, [join(root, "scripts", "dagger.mjs"), "--progress=plain", "call", "conformance", "--keep-going", ...only, ...seed, "export", `--path=${path}`], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "output.txt"), said);
  const seconds = (Date.now() - begun) / 1000;
  try {
    const { requirements } = JSON.parse(readFileSync(join(path, "conformance.json"), "utf8"));
    return { seconds, rows: requirements };
  } catch {
    return { seconds, lost: `exit code ${code}, see ${join(path, "output.txt")}` };
  }
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
/** @type {import("./steady/figures.mjs").Run[]} */
const runs = [];
for (let number = 1; number <= wanted; number++) {
  const run = await once(number);
  // A run that was cut off says nothing about the suite.
  if (interrupted) break;
  runs.push(run);
  const failed = "rows" in run ? run.rows.filter(({ outcome }) => outcome.outcome !== "passed").map(({ id }) => id) : [run.lost];
  console.error(`run ${number} of ${wanted}: ${run.seconds.toFixed(0)} s, ${failed.length === 0 ? "all kept" : failed.join(", ")}`);
  writeFileSync(join(folder, "steady.md"), `${report(runs, wanted)}\n`);
}
console.log(report(runs, wanted));
process.exitCode = isSteady(runs, wanted) ? 0 : interrupted ? 130 : 1;

#!/usr/bin/env node
// `npm test`: installs the root package when needed, then runs every test that vitest finds. Arguments go to vitest.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "node_modules", ".installed-from");
const lock = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex");

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (error) throw error;
  return signal ? 1 : (status ?? 1);
}

// Projects that need a cluster's or a validator's tools run inside `dagger call ci`, which the pipeline's tests call.
const PROJECTS = ["unit", "launcher", "pipeline"];
const results = join(root, "report", "tests.json");

/** The closing line: what a person and a program look for at the end. */
function closingLine() {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(results, "utf8"));
  return `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`;
}

let code = 0;
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  code = run("npm", ["ci", "--ignore-scripts"]);
  if (code === 0) writeFileSync(stamp, lock);
}
if (code === 0) {
  const args = process.argv.slice(2);
  const chosen = args.some((arg) => arg.startsWith("--project")) ? args : [...PROJECTS.flatMap((name) => ["--project", name]), ...args];
  rmSync(results, { force: true });
  code = run(join(root, "node_modules", ".bin", "vitest"), ["run", ...chosen, "--reporter=default", "--reporter=json", `--outputFile.json=${results}`]);
  if (existsSync(results)) console.log(closingLine());
}
process.exitCode = code;

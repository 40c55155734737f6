#!/usr/bin/env node
// `npm test`: installs the root package when needed, then runs every test that vitest finds. Arguments go to vitest.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
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

let code = 0;
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  code = run("npm", ["ci", "--ignore-scripts"]);
  if (code === 0) writeFileSync(stamp, lock);
}
process.exitCode = code || run(join(root, "node_modules", ".bin", "vitest"), ["run", ...process.argv.slice(2)]);

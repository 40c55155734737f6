#!/usr/bin/env node
// `npm run bench`: measures the pipeline with repetitions and writes docs/benchmarks.md. Sections are chosen by name:
//   npm run bench -- engine module ci hand      (default: all of these)
//   npm run bench -- cold                       the first build from empty caches, in a cache folder of its own
//   npm run bench -- cluster                    a cluster from its start, the application in it, the conformance suite
//   npm run bench -- deployer                   plan, deploy, rollback, faults, and Helm beside them, in a cluster
//   npm run bench -- rehearsal                  the way of two commits to production, with everything around it
//   npm run bench -- load                       200 conversations at once beside one, against two backends
// Run it on a machine that does nothing else: the figures hold for the load they are taken under.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = join(root, "docs", "benchmarks.md");
const launcher = join(root, "scripts", "dagger.mjs");

/** What a section has to say that is not a row. @type {string[]} */
const notes = [];

/** Sections that a measurement in a container has written. @type {string[]} */
const written = [];

/** @typedef {{ what: string, target: string, seconds: number[], note?: string }} Row */

/** @param {string} command @param {string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] @returns {{ seconds: number, text: string }} both streams of a command that has to succeed, without colours */
function run(command, args, { cwd = root, env = process.env } = {}) {
  const begun = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8", maxBuffer: 256 << 20 });
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const text = stripVTControlCharacters(`${stdout}\n${stderr}`);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed with ${status}; last lines:\n${text.trim().split("\n").slice(-20).join("\n")}`);
  process.stderr.write(`${command.split("/").at(-1)} ${args.join(" ").slice(0, 90)}: ${seconds.toFixed(2)} s\n`);
  return { seconds, text };
}

/** @param {string} command @param {string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] @returns {number} seconds */
const time = (command, args, options) => run(command, args, options).seconds;

/** @param {...string} args */
const call = (...args) => run(process.execPath, [launcher, "--progress=plain", ...args]);

/** @param {...string} args */
const dagger = (...args) => call(...args).seconds;

/** @param {number} count @param {(index: number) => number} measure @returns {number[]} */
const repeat = (count, measure) => Array.from({ length: count }, (_, index) => measure(index));

/** Makes a change to a file for the time of one measurement. @template T @param {string} file @param {string} text @param {() => T} body @returns {T} */
function withLine(file, text, body) {
  const before = readFileSync(join(root, file), "utf8");
  try {
    writeFileSync(join(root, file), `${before}${text}\n`);
    return body();
  } finally {
    writeFileSync(join(root, file), before);
  }
}

/** Interrupts a call as a terminal does, while its container runs. @param {number} index @returns {Promise<number>} seconds until both have ended */
async function interrupt(index) {
  const command = `sleep 7321${index}`;
  const running = () => spawnSync("pgrep", ["-f", `^${command}$`]).status === 0;
  const call = spawn(process.execPath, [launcher, "--progress=plain", "core", "container", "from", "--address=debian:bookworm-slim", "with-exec", `--args=${command.replace(" ", ",")}`, "stdout"], { cwd: root, detached: true, stdio: "ignore" });
  const ended = once(call, "exit");
  const until = async (/** @type {boolean} */ wanted, /** @type {string} */ what) => {
    for (const limit = Date.now() + 60_000; running() !== wanted; await sleep(20)) if (Date.now() > limit) throw new Error(`the container of the call to interrupt has not ${what} within 60 s`);
  };
  await until(true, "started");
  const begun = process.hrtime.bigint();
  process.kill(-Number(call.pid), "SIGINT");
  await ended;
  await until(false, "ended");
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  process.stderr.write(`interrupt: ${seconds.toFixed(2)} s\n`);
  return seconds;
}

/** File systems in memory that a node writes to. */
const NODE_TMPFS = ["/var/lib/rancher/k3s/agent/containerd", "/var/lib/rancher/k3s/server", "/var/lib/kubelet"];

/**
 * Starts a cluster, and reads what it takes half a minute after it was ready.
 * @returns {Promise<{ processes: number, files: number }>} MiB: proportional set size of its processes, and what its file systems in memory hold
 */
async function nodeMemory() {
  const call = spawn(process.execPath, [launcher, "--progress=plain", "call", "cluster", "--name=bench", "up", "--ports=16443:6443"], { cwd: root, detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  call.stderr?.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = once(call, "exit");
  const node = () => readdirSync("/proc").find((pid) => processFile(pid, "cmdline").includes("--tls-san=cluster") && processFile(pid, "environ").split("\0").includes("CLUSTER_NAME=bench"));
  try {
    for (const limit = Date.now() + 180_000; !said.includes("node Ready after"); await sleep(500)) {
      if (call.exitCode !== null || Date.now() > limit) throw new Error(`the node has not become Ready; last lines:\n${said.split("\n").slice(-20).join("\n")}`);
    }
    await sleep(45_000);
    const init = node();
    if (init === undefined) throw new Error("the node has ended while its memory was to be read");
    const parents = new Map(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => [pid, processFile(pid, "stat").split(") ")[1]?.split(" ")[1]]));
    const below = (/** @type {string | undefined} */ pid) => {
      for (let at = pid; at !== undefined && at !== "0"; at = parents.get(at)) if (at === init) return true;
      return false;
    };
    const kibibytes = [...parents.keys()].filter(below).reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(processFile(pid, "smaps_rollup"))?.[1] ?? 0), 0);
    const bytes = NODE_TMPFS.map((folder) => statfsSync(`/proc/${init}/root${folder}`)).reduce((sum, { blocks, bfree, bsize }) => sum + (blocks - bfree) * bsize, 0);
    return { processes: Math.round(kibibytes / 1024), files: Math.round(bytes / 2 ** 20) };
  } finally {
    if (call.exitCode === null) process.kill(-Number(call.pid), "SIGINT");
    await ended;
  }
}

/** @param {string} pid @param {string} name @returns {string} empty for a process that has ended */
function processFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** @type {Record<string, () => Row[] | Promise<Row[]>>} */
const SECTIONS = {
  async engine() {
    dagger("core", "version");
    const running = repeat(5, () => dagger("core", "version"));
    const stopped = repeat(3, () => {
      time(process.execPath, [launcher, "engine", "stop"]);
      return dagger("core", "version");
    });
    return [
      { what: "launcher to connected, engine running", target: "≤ 2 s", seconds: running },
      { what: "launcher to connected, engine stopped", target: "≤ 6 s", seconds: stopped },
      { what: "Ctrl-C during a call, until launcher and container have ended", target: "≤ 5 s", seconds: [await interrupt(1), await interrupt(2), await interrupt(3)] },
    ];
  },
  module() {
    // A comment changes the module's source, so that it is prepared anew; the SDK image is unpacked already.
    const first = repeat(3, (index) => withLine("dagger/src/bases.ts", `// ${Date.now()} ${index}`, () => dagger("functions")));
    const later = repeat(5, () => dagger("functions"));
    const one = repeat(5, () => dagger("call", "frontend", "user"));
    return [
      { what: "`dagger functions`, first load of a changed module", target: "≤ 15 s", seconds: first },
      { what: "`dagger functions`, later", target: "≤ 1 s", seconds: later },
      { what: "one function execution (`call frontend user`, everything cached)", target: "≤ 2 s beyond the load", seconds: one },
    ];
  },
  ci() {
    const changed = (/** @type {number} */ count, /** @type {string} */ file, /** @type {string} */ comment, /** @type {string[]} */ ...call) => repeat(count, (index) => withLine(file, `${comment} ${index} ${Date.now()}`, () => dagger("call", ...call)));
    const backend = /** @type {const} */ (["app/backend/src/todo_chat/__init__.py", "#"]);
    const frontend = /** @type {const} */ (["app/frontend/src/main.ts", "//"]);
    dagger("call", "ci");
    return [
      { what: "`dagger call ci`, no change", target: "≤ 6 s", seconds: repeat(5, () => dagger("call", "ci")) },
      { what: "`dagger call test-backend` after a one-line change in the backend", target: "≤ 1.3 × pytest by hand + 6 s", seconds: changed(1, ...backend, "test-backend") },
      { what: "`dagger call ci --skip=conformance` after a one-line change in the backend", target: "–", seconds: changed(1, ...backend, "ci", "--skip=conformance") },
      { what: "`dagger call ci --skip=conformance` after a one-line change in the frontend", target: "–", seconds: changed(2, ...frontend, "ci", "--skip=conformance") },
    ];
  },
  async cluster() {
    const folder = mkdtempSync(join(tmpdir(), "todo-chat-conformance-"));
    try {
      // The wait in front of the suite prints when each part of the cluster was there.
      const starts = Array.from({ length: 3 }, () => call("call", "conformance", "--only=CONF-001").text);
      const after = (/** @type {string} */ what) =>
        starts.map((text) => {
          const found = new RegExp(`${what}: there, ([0-9.]+) s`).exec(text)?.[1];
          if (found === undefined) throw new Error(`the run does not say when there was ${what}`);
          return Number(found);
        });
      const { processes, files } = await nodeMemory();
      notes.push("", `Memory of the node at rest, with all add-ons and nothing deployed: ${processes} MiB of its processes (proportional set size); target ≤ 1536 MiB. Its file systems in memory, mostly unpacked images, hold ${files} MiB.`);
      const whole = dagger("call", "conformance", "export", `--path=${folder}`);
      /** @type {{ durationMs: number, cluster: string, verdict: string }} */
      const report = JSON.parse(readFileSync(join(folder, "conformance.json"), "utf8"));
      /** @type {{ result: string, timeline: { phases: { name: string, startedAt: number, endedAt: number }[] } }} */
      const { result, timeline } = JSON.parse(readFileSync(join(folder, "deploy", "report.json"), "utf8"));
      if (result !== "succeeded") throw new Error(`the first deployment: ${result}`);
      const waves = timeline.phases.filter(({ name }) => !["lock", "plan", "verify"].includes(name));
      notes.push(`Cluster: ${report.cluster}; scripted model (stand-in for a language model). ${report.verdict}.`);
      return [
        { what: "start of the node to Ready nodes", target: "≤ 10 s", seconds: after("Ready nodes") },
        { what: "start of the node to every add-on and the metrics API", target: "≤ 30 s", seconds: after("the metrics API") },
        { what: "application from the first apply to all Ready, migration included", target: "≤ 30 s", seconds: [(Math.max(...waves.map(({ endedAt }) => endedAt)) - Math.min(...waves.map(({ startedAt }) => startedAt))) / 1000] },
        { what: "conformance suite, deployment included", target: "≤ 6 min", seconds: [report.durationMs / 1000] },
        { what: "`dagger call conformance`, cluster included", target: "–", seconds: [whole] },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  deployer() {
    const folder = mkdtempSync(join(tmpdir(), "todo-chat-deployer-"));
    try {
      dagger("call", "deployer-benchmark", `--commit=${commit}`, "export", `--path=${folder}`);
      written.push(...(readFileSync(join(folder, "benchmarks.md"), "utf8").match(/<!-- deploy [\s\S]*?<!-- end -->/g) ?? []));
      return [];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  rehearsal() {
    const folder = mkdtempSync(join(tmpdir(), "todo-chat-rehearsal-"));
    try {
      const whole = dagger("call", "rehearsal", "export", `--path=${folder}`);
      /** @type {{ steps: { chapter: string, title: string, call: string, seconds: number }[] }} */
      const { steps } = JSON.parse(readFileSync(join(folder, "rehearsal.json"), "utf8"));
      notes.push("", "Its page:", "", "```text", readFileSync(join(folder, "rehearsal.txt"), "utf8").trim(), "```");
      const deployments = (/** @type {RegExp} */ of) => steps.filter(({ title, call }) => title.includes("Deploy") && of.test(call)).map(({ seconds }) => seconds);
      return [
        { what: "`dagger call rehearsal`, images and node in the cache", target: "≤ 15 min", seconds: [whole] },
        { what: "in it, deployments of development, the call included", target: "–", seconds: deployments(/--env=dev/) },
        { what: "in it, deployments of staging, the call included", target: "–", seconds: deployments(/--env=staging/) },
        { what: "in it, deployments of production, the call included", target: "≤ 60 s", seconds: deployments(/--env=prod/) },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  load() {
    const printed = execFileSync(process.execPath, [launcher, "--progress=plain", "call", "load"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    notes.push(printed.slice(printed.indexOf("|")).trim());
    return [];
  },
  hand() {
    const folder = mkdtempSync(join(tmpdir(), "todo-chat-hand-"));
    try {
      execFileSync("cp", ["-a", join(root, "app"), folder]);
      rmSync(join(folder, "app/frontend/node_modules"), { recursive: true, force: true });
      const backend = join(folder, "app/backend");
      const venv = join(folder, "venv");
      const install = time("python3", ["-m", "venv", venv]) + time(join(venv, "bin/pip"), ["install", "--quiet", "--no-deps", "--require-hashes", "--requirement", "requirements-dev.txt"], { cwd: backend });
      const env = { ...process.env, PYTHONPATH: "src", PATH: `${join(venv, "bin")}:${process.env.PATH}` };
      const pytest = time(join(venv, "bin/pytest"), ["-q", "-n", "2", "--cov"], { cwd: backend, env });
      const npm = time("npm", ["ci", "--ignore-scripts"], { cwd: join(folder, "app/frontend") });
      const jest = time("npm", ["test"], { cwd: join(folder, "app/frontend") });
      return [
        { what: "by hand: pip install", target: "–", seconds: [install] },
        { what: "by hand: pytest", target: "–", seconds: [pytest] },
        { what: "by hand: npm ci", target: "–", seconds: [npm] },
        { what: "by hand: Jest", target: "–", seconds: [jest] },
        { what: "by hand: all of it", target: "`ci` without a change takes less than a tenth", seconds: [install + pytest + npm + jest] },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  cold() {
    const folder = mkdtempSync(join(tmpdir(), "todo-chat-cold-"));
    const env = { ...process.env, TODO_CHAT_CACHE_DIR: join(folder, "cache"), GOCACHE: join(folder, "go-build"), GOMODCACHE: join(folder, "go-mod"), npm_config_cache: join(folder, "npm") };
    try {
      const start = time(process.execPath, [launcher, "engine", "start"], { env });
      const ci = time(process.execPath, [launcher, "--progress=plain", "call", "ci"], { env });
      return [
        { what: "embedded engine, from empty caches to started", target: "–", seconds: [start] },
        { what: "bare machine to the first `ci` result, empty caches", target: "≤ 12 min", seconds: [start + ci] },
      ];
    } finally {
      spawnSync(process.execPath, [launcher, "engine", "clean"], { env });
      spawnSync("chmod", ["-R", "u+w", folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const TABLE_HEAD = "| what | target | median | spread | runs |\n|---|---|---|---|---|";

/** @param {Row} row */
function line({ what, target, seconds, note }) {
  const sorted = [...seconds].sort((a, b) => a - b);
  const median = /** @type {number} */ (sorted[Math.floor((sorted.length - 1) / 2)]);
  const spread = sorted.length > 1 ? `${sorted[0]?.toFixed(2)} – ${sorted.at(-1)?.toFixed(2)}` : "–";
  return `| ${what} | ${target} | ${median.toFixed(2)} | ${spread} | ${seconds.length} |${note ? ` ${note}` : ""}`;
}

const chosen = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ["engine", "module", "ci", "hand"];
const unknown = chosen.filter((name) => SECTIONS[name] === undefined);
if (unknown.length > 0) throw new Error(`unknown section ${unknown.join(", ")}; there are ${Object.keys(SECTIONS).join(", ")}`);

const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
const before = loadavg()[0] ?? 0;
/** @type {Row[]} */
const rows = [];
for (const name of chosen) rows.push(...((await SECTIONS[name]?.()) ?? []));
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node.js ${process.version}`;
if (rows.length + notes.length > 0) {
  written.push(`<!-- pipeline ${chosen.join(" ")} -->
## Pipeline: ${chosen.join(", ")}

${new Date().toISOString().slice(0, 10)}, commit ${commit}; ${machine}; load average before the run ${before.toFixed(1)}. Embedded engine. Seconds of wall clock.

${[...(rows.length > 0 ? [TABLE_HEAD, ...rows.map(line)] : []), ...notes].join("\n")}
<!-- end -->`);
}
mkdirSync(join(root, "docs"), { recursive: true });
let text = existsSync(page) ? readFileSync(page, "utf8") : "# Benchmarks\n\nWritten by `npm run bench`. A target is a goal, not a test.\n";
for (const section of written) {
  const marker = /^<!-- .*? -->/.exec(section)?.[0] ?? "";
  text = `${text.replace(new RegExp(`${marker}[\\s\\S]*?<!-- end -->\\n*`), "").trimEnd()}\n\n${section}\n`;
  console.log(section);
}
writeFileSync(page, text);

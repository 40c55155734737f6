#!/usr/bin/env node
/**
 * Measures the ports of a service on this machine, at 100 requests a second, a tenth of them from clients that go away in the middle:
 *   node tests/laptop/tunnel.mjs --minutes 60             a small service, through the way in
 *   node tests/laptop/tunnel.mjs --minutes 60 --cluster   the ingress of a cluster that `cluster up` runs, by the launcher's own call
 *   node tests/laptop/tunnel.mjs --direct                 the small service through the engine's own forwarding, which does not hold
 * Prints figures every ten seconds, with the memory and the sockets of both halves, and a summary. Exit code 0: the port answered to
 * the end, an idle connection to the small service outlived it, and no half has grown or kept sockets; 1: not so; 3: bad input.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WAY_IN_PORT } from "../../dagger/way-in/server.mjs";
import { freePort, keepWayIn } from "../../scripts/launcher/way-in.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SERVICE_PORT = 8000;
const SERVICE_FILES = ["tests/laptop/service.mjs", "dagger/way-in/server.mjs", "dagger/way-in/carrier.mjs"];
const CLUSTER = "tunnel-test";
const START_LIMIT = 300_000;

/** What a half may hold at the end, in MB, and sockets once the visitors have left: those it listens on, and its carrier. */
const MAX_MEMORY = 400;
const MAX_SOCKETS = 50;
const LEAVE = 65_000;

/** @param {string} path @returns {string} */
const read = (path) => readFileSync(join(root, path), "utf8");

/** @typedef {{ args: string[], outer: boolean, inner: string }} Way the launcher's arguments, whether it is the outer half itself, and what the inner half's command line has in it */

/** @param {number} local @param {number} tunnel @param {{ cluster: boolean, direct: boolean }} kind @returns {Way} */
function way(local, tunnel, { cluster, direct }) {
  if (cluster) return { args: ["call", "cluster", `--name=${CLUSTER}`, "up", `--ports=${local}:80`], outer: true, inner: "/way-in/server.mjs" };
  const base = JSON.parse(read("docker/bases.json")).bases.find((/** @type {{ arg: string }} */ { arg }) => arg === "NODE_IMAGE");
  const container = ["core", "container", "from", `--address=${base.name}:${base.tag}`];
  const files = SERVICE_FILES.flatMap((path) => ["with-new-file", `--path=/${path}`, "--contents", read(path)]);
  const port = direct ? SERVICE_PORT : WAY_IN_PORT;
  const service = ["with-exposed-port", `--port=${port}`, "as-service", `--args=node,/${SERVICE_FILES[0]}`];
  return { args: [...container, ...files, ...service, "up", `--ports=${direct ? local : tunnel}:${port}`], outer: false, inner: `/${SERVICE_FILES[0]}` };
}

/** @param {number} port @returns {Promise<boolean>} whether a request is answered */
async function answers(port) {
  return fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => (await response.text()).length > 0,
    () => false,
  );
}

/** A connection that says nothing for the whole run. @param {number} port @returns {Promise<() => Promise<boolean>>} tells at the end whether it still answers */
async function idle(port) {
  const socket = connect({ host: "127.0.0.1", port });
  const ask = async () => {
    socket.write("GET / HTTP/1.1\r\nHost: idle\r\n\r\n");
    return Promise.race([once(socket, "data").then(() => true), sleep(20_000, false)]);
  };
  socket.on("error", () => undefined);
  await ask();
  return async () => {
    const alive = !socket.destroyed && (await ask());
    socket.destroy();
    return alive;
  };
}

/** @param {string} command part of a command line @returns {number | undefined} the process that was started last with it; only where containers are processes of this machine */
function newest(command) {
  const found = readdirSync("/proc").filter((name) => {
    const words = /^\d+$/.test(name) ? attempt(() => readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0")) : undefined;
    return words?.[0] === "node" && words.some((word) => word === command);
  });
  return found.length === 0 ? undefined : Math.max(...found.map(Number));
}

/** @typedef {{ MB: number, sockets: number }} Held */

/** @param {number | undefined} pid @returns {Held | undefined} */
function held(pid) {
  return attempt(() => ({
    MB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024),
    sockets: readdirSync(`/proc/${pid}/fd`).filter((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`))?.startsWith("socket:")).length,
  }));
}

/** @template T @param {() => T} look at something that may be gone @returns {T | undefined} */
function attempt(look) {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Visitors are a process of their own, so that the outer half is measured alone. @param {number} port @param {number} minutes @param {number} rate @param {(figures: object) => void} tell @returns {Promise<{ verdict?: string }>} */
async function traffic(port, minutes, rate, tell) {
  const visitors = spawn(process.execPath, ["tests/laptop/traffic.mjs", "--url", `http://127.0.0.1:${port}/`, "--minutes", String(minutes), "--rate", String(rate)], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let summary = "";
  visitors.stdout.on("data", (data) => (summary += data));
  createInterface(visitors.stderr).on("line", (line) => tell(JSON.parse(line)));
  await once(visitors, "close");
  return JSON.parse(summary);
}

async function main() {
  const { values } = parseArgs({ options: { minutes: { type: "string", default: "1" }, rate: { type: "string", default: "100" }, direct: { type: "boolean", default: false }, cluster: { type: "boolean", default: false } } });
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  if (!(minutes > 0) || !(rate > 0) || (values.direct && values.cluster)) {
    console.error("usage: tunnel.mjs [--minutes 1] [--rate 100] [--direct | --cluster]");
    return 3;
  }
  const local = await freePort();
  const tunnel = await freePort();
  const { args, outer, inner } = way(local, tunnel, values);
  const engine = spawn("node", ["scripts/dagger.mjs", "--progress=plain", ...args], { cwd: root, stdio: ["ignore", "ignore", "inherit"], detached: true });
  const stop = () => engine.exitCode === null && process.kill(-(/** @type {number} */ (engine.pid)), "SIGINT");
  process.once("SIGINT", () => process.exit(stop() ? 130 : 1));
  const ended = new AbortController();
  engine.once("exit", () => ended.abort());
  const own = values.cluster || values.direct ? undefined : keepWayIn({ ports: [{ local, remote: SERVICE_PORT }], tunnel, signal: ended.signal, note: (text) => console.error(text) });
  try {
    const limit = Date.now() + START_LIMIT;
    while (!(await answers(local))) {
      if (ended.signal.aborted || Date.now() > limit) throw new Error(`the service did not start within ${START_LIMIT / 1000} s; the output above says why`);
      await sleep(500);
    }
    const halves = { outer: outer ? engine.pid : values.direct ? undefined : process.pid, inner: values.direct ? undefined : newest(inner) };
    const look = () => ({ outer: held(halves.outer), inner: held(halves.inner) });
    const first = look();
    // An ingress ends idle connections by itself.
    const stillThere = values.cluster ? undefined : await idle(local);
    const figures = await traffic(local, minutes, rate, (now) => console.error(JSON.stringify({ ...now, ...look() })));
    const alive = await stillThere?.();
    if (!values.direct) await sleep(LEAVE);
    const last = look();
    const grown = Object.values(last).some((half) => half !== undefined && (half.MB > MAX_MEMORY || half.sockets > MAX_SOCKETS));
    const verdict = figures.verdict ?? (alive === false ? "an idle connection was lost" : grown ? "a half has grown" : undefined);
    console.log(JSON.stringify({ way: values.direct ? "forwarded by the engine" : values.cluster ? "way in to a cluster" : "way in", rate, ...figures, first, last, verdict: verdict ?? "holds" }));
    return verdict === undefined ? 0 : 1;
  } finally {
    ended.abort();
    if (stop()) await Promise.race([once(engine, "exit"), sleep(20_000)]);
    await own;
  }
}

process.exitCode = await main();

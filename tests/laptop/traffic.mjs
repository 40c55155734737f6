#!/usr/bin/env node
/**
 * Visitors of a laptop port: a constant rate of requests over short and kept connections, some of which go away in the middle.
 *   node tests/laptop/traffic.mjs --url http://127.0.0.1:8080/ --minutes 60 --rate 100 --aborts 0.1
 * Prints figures every ten seconds and a summary as JSON. Exit code 0: the port answered to the end; 1: it did not; 3: bad input.
 */
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

/** An answer that takes longer is a failure, in ms: more than a machine that does much else needs, far less than a port that has stopped. */
const PATIENCE = 20_000;

/** No answer to anybody for this long: the port has stopped, in ms. */
const SILENCE = 25_000;

/** Requests over one kept connection before it is left, and how many such connections there are. */
const KEPT_REQUESTS = 20;
const KEPT_CONNECTIONS = 8;

/** Of the requests that stay to the end, one in this many goes over a connection of its own. */
const SHORT = 2;

/** Share of failures, and half-closed connections at the end, that are put up with. */
const MAX_FAILURES = 0.001;
const MAX_HALF_CLOSED = 100;

/**
 * @typedef {object} Figures
 * @property {number} seconds @property {number} requests those that stayed to the end @property {number} answered @property {number} failed
 * @property {number} aborted visitors that went away in the middle
 * @property {number} halfClosed connections of the port in CLOSE-WAIT
 * @property {number} p50 @property {number} p99 in ms
 * @property {Record<string, number>} reasons of failures
 * @property {string} [verdict] why the port did not hold; absent when it did
 */

/**
 * @param {object} options
 * @param {string} options.url @param {number} options.seconds @param {number} options.rate requests a second
 * @param {number} options.aborts share of visitors that go away
 * @param {(figures: Figures) => void} [options.tell] called every ten seconds
 * @returns {Promise<Figures>}
 */
export async function traffic({ url, seconds, rate, aborts, tell = () => {} }) {
  const target = new URL(url);
  const port = Number(target.port || 80);
  const begun = performance.now();
  const counts = { requests: 0, answered: 0, failed: 0, aborted: 0 };
  /** @type {Record<string, number>} */
  const reasons = {};
  /** @type {number[]} */
  let times = [];
  let lastAnswer = begun;
  /** @type {Set<Promise<void>>} */
  const open = new Set();
  const kept = Array.from({ length: KEPT_CONNECTIONS }, () => ({ agent: new Agent({ keepAlive: true, maxSockets: 1 }), used: 0 }));

  /** @param {Agent | false} agent */
  async function stay(agent) {
    counts.requests++;
    const sent = performance.now();
    try {
      await ask(target, agent);
      counts.answered++;
      lastAnswer = performance.now();
      times.push(lastAnswer - sent);
    } catch (error) {
      counts.failed++;
      const reason = error instanceof Error ? error.message : String(error);
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
  }

  /** @param {number} index */
  function visit(index) {
    // Spread over the run, and each way of leaving as often as the others.
    const before = Math.floor(index * aborts);
    if (Math.floor((index + 1) * aborts) > before) {
      counts.aborted++;
      return goAway(target, before);
    }
    if (index % SHORT === 0) return stay(false);
    const connection = /** @type {(typeof kept)[number]} */ (kept[(index >> 1) % kept.length]);
    if (++connection.used % KEPT_REQUESTS === 0) {
      // In use by at most a few requests; those end with their answers, the next one opens another.
      connection.agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: PATIENCE });
    }
    return stay(connection.agent);
  }

  /** @returns {Figures} */
  const figures = () => {
    const sorted = [...times].sort((a, b) => a - b);
    const quantile = (/** @type {number} */ share) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
    return { seconds: Math.round((performance.now() - begun) / 1000), ...counts, halfClosed: halfClosed(port), p50: quantile(0.5), p99: quantile(0.99), reasons };
  };

  let told = begun;
  for (let index = 0; performance.now() - begun < seconds * 1000; index++) {
    const due = begun + (index * 1000) / rate;
    if (due > performance.now()) await sleep(due - performance.now());
    const visitor = visit(index).finally(() => open.delete(visitor));
    open.add(visitor);
    if (performance.now() - told > 10_000) {
      told = performance.now();
      tell(figures());
      // Figures of a run of hours hold the times of its last part.
      if (times.length > 100_000) times = times.slice(-50_000);
    }
    if (performance.now() - lastAnswer > SILENCE) return { ...figures(), verdict: `no answer for ${SILENCE / 1000} s` };
  }
  await Promise.all(open);
  for (const { agent } of kept) agent.destroy();
  // What was left half closed a moment ago may still be closed.
  await sleep(2_000);
  const end = figures();
  if (end.failed > Math.max(1, end.requests * MAX_FAILURES)) return { ...end, verdict: `${end.failed} of ${end.requests} requests failed` };
  if (end.halfClosed > MAX_HALF_CLOSED) return { ...end, verdict: `${end.halfClosed} connections are half closed` };
  return end;
}

/** @param {URL} target @param {Agent | false} agent @returns {Promise<void>} fulfilled by a whole answer */
function ask(target, agent) {
  return new Promise((resolve, reject) => {
    const request = get(target, { agent, signal: AbortSignal.timeout(PATIENCE), headers: { connection: agent ? "keep-alive" : "close" } }, (response) => {
      response.on("error", reject).on("end", () => (response.complete ? resolve() : reject(new Error("cut off"))));
      response.resume();
      if ((response.statusCode ?? 0) >= 500) reject(new Error(`status ${response.statusCode}`));
    });
    request.on("error", reject);
  });
}

/** @param {URL} target @param {number} way @returns {Promise<void>} fulfilled when the visitor is gone */
function goAway(target, way) {
  const head = `GET ${target.pathname} HTTP/1.1\r\nHost: ${target.host}\r\n`;
  return new Promise((resolve) => {
    const socket = connect({ host: target.hostname, port: Number(target.port || 80) }, () => {
      if (way % 4 === 0) socket.end(head); // half of a request
      else if (way % 4 === 1) socket.write(`${head}\r\n`, () => socket.resetAndDestroy()); // does not wait for the answer
      else if (way % 4 === 2) socket.write(`${head}\r\n`); // leaves with its first bytes
      else socket.write(`POST ${target.pathname} HTTP/1.1\r\nHost: ${target.host}\r\nContent-Length: 10000000\r\n\r\n${"x".repeat(100_000)}`, () => socket.destroy()); // breaks off an upload
    });
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.on("data", () => socket.destroy());
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

/** @param {number} port @returns {number} connections of that port on this machine whose other side has closed */
function halfClosed(port) {
  const local = port.toString(16).toUpperCase().padStart(4, "0");
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => readTable(file)).filter((line) => new RegExp(`^ *\\d+: [0-9A-F]+:${local} [0-9A-F:]+ 08 `).test(line)).length;
}

/** @param {string} file @returns {string[]} */
function readTable(file) {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}

async function main() {
  const { values } = parseArgs({ options: { url: { type: "string" }, minutes: { type: "string", default: "1" }, rate: { type: "string", default: "100" }, aborts: { type: "string", default: "0.1" } } });
  const [minutes, rate, aborts] = [values.minutes, values.rate, values.aborts].map(Number);
  if (!values.url || !URL.canParse(values.url) || !(minutes && minutes > 0) || !(rate && rate > 0) || !(aborts !== undefined && aborts >= 0 && aborts < 1)) {
    console.error("usage: traffic.mjs --url http://127.0.0.1:8080/ [--minutes 1] [--rate 100] [--aborts 0.1]");
    return 3;
  }
  const result = await traffic({ url: values.url, seconds: minutes * 60, rate, aborts, tell: (figures) => console.error(JSON.stringify(figures)) });
  console.log(JSON.stringify(result));
  return result.verdict === undefined ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main();

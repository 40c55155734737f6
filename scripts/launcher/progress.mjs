import { stripVTControlCharacters } from "node:util";

/**
 * Shows what long work is doing. On a terminal the running steps are one block that is drawn again in place; elsewhere
 * each start and end is a line, and a running step is named again every half minute.
 */

/** Time in ms between two drawings of the block, and between two lines of a step that still runs. */
const REDRAW = 200;
const REMINDER = 30_000;

/**
 * @typedef {import("../../offline/images/layers.mjs").Progress & { note: (line: string) => void, close: () => void }} LauncherProgress
 */

/**
 * @param {{ stream: { write(text: string): unknown, columns?: number }, live: boolean, now?: () => number, showCached?: boolean }} options
 *   `live` for a terminal; `showCached` prints steps that found their result in the cache (default: only when another step worked)
 * @returns {LauncherProgress}
 */
export function createProgress({ stream, live, now = Date.now, showCached = false }) {
  /** @type {Map<object, { name: string, start: number, last: string, reminded: number }>} */
  const running = new Map();
  /** Steps answered from the cache that were not shown yet, and those that were: two builds may share a step. @type {Set<string>} */
  const cached = new Set();
  /** @type {Set<string>} */
  const shown = new Set();
  let worked = showCached;
  let drawn = 0;

  const erase = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  const draw = () => {
    if (!live) return;
    erase();
    const width = (stream.columns ?? 80) - 1;
    const lines = [...running.values()].map(({ name, start, last }) => `… ${name} ${seconds(now() - start)}${last ? `  ${last}` : ""}`.slice(0, width));
    if (lines.length > 0) stream.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  /** @param {string} line */
  const print = (line) => {
    erase();
    stream.write(`${line}\n`);
    draw();
  };
  const flushCached = () => {
    if (!worked) return;
    for (const name of cached) if (!shown.has(name)) print(`✓ ${name}: cached`);
    for (const name of cached) shown.add(name);
    cached.clear();
  };
  const tick = () => {
    if (live) return draw();
    for (const step of running.values()) {
      if (now() - step.reminded < REMINDER) continue;
      step.reminded = now();
      print(`… ${step.name} ${seconds(now() - step.start)}${step.last ? `: ${step.last}` : ""}`);
    }
  };
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  return {
    step(name) {
      const step = { name, start: now(), last: "", reminded: now() };
      const key = {};
      let announced = false;
      running.set(key, step);
      timer ??= setInterval(tick, REDRAW).unref();
      const end = (/** @type {string} */ line) => {
        running.delete(key);
        print(line);
      };
      return {
        log(line) {
          // The first output shows that the step works and is not answered from the cache.
          if (!announced && !live) {
            worked = true;
            flushCached();
            print(`▸ ${name}`);
          }
          announced = true;
          step.last = plain(line);
        },
        done({ cached: fromCache }) {
          if (fromCache) {
            running.delete(key);
            cached.add(name);
            if (worked) flushCached();
            else draw();
            return;
          }
          worked = true;
          flushCached();
          shown.add(name);
          end(`✓ ${name}: ${seconds(now() - step.start)}`);
        },
        fail() {
          end(`✗ ${name}: failed after ${seconds(now() - step.start)}`);
        },
      };
    },
    note: print,
    close() {
      clearInterval(timer);
      timer = undefined;
      erase();
    },
  };
}

/** @param {number} ms @returns {string} */
export function seconds(ms) {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** @param {string} line a command's output @returns {string} without what would move the cursor or change colours */
function plain(line) {
  return stripVTControlCharacters(line).replace(/\p{Cc}/gu, " ").trim();
}

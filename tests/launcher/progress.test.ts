/** What is shown while the launcher works. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgress, seconds } from "../../scripts/launcher/progress.mjs";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Progress on a stream that remembers what was written; `columns` makes it a terminal. */
function shown(columns?: number) {
  let text = "";
  const stream = { write: (part: string) => void (text += part), ...(columns ? { columns } : {}) };
  const progress = createProgress({ stream, live: columns !== undefined });
  return {
    progress,
    text: () => text,
    /** What a terminal would show: moves up and erases are followed. */
    screen: () => {
      const lines: string[] = [""];
      // eslint-disable-next-line no-control-regex -- the escape sequences are what is tested
      for (const [, up, rest = ""] of text.matchAll(/(?:\x1b\[(\d+)A\x1b\[J)?([^\x1b]*)/g)) {
        if (up !== undefined) lines.splice(-1 - Number(up), Infinity, "");
        const [head = "", ...more] = rest.split("\n");
        lines[lines.length - 1] += head;
        lines.push(...more);
      }
      return lines.slice(0, -1);
    },
  };
}

describe("in CI", () => {
  it("prints a line at the first output and one at the end", () => {
    const { progress, text } = shown();
    const step = progress.step("engine");
    expect(text()).toBe("");
    step.log("compiling");
    vi.advanceTimersByTime(2_500);
    step.done({ cached: false });
    expect(text()).toBe("▸ engine\n✓ engine: 2.5 s\n");
  });

  it("reminds every half minute of what still runs, with its last line", () => {
    const { progress, text } = shown();
    const step = progress.step("engine");
    step.log("compiling a");
    vi.advanceTimersByTime(29_000);
    expect(text()).toBe("▸ engine\n");
    step.log("compiling b");
    vi.advanceTimersByTime(2_000);
    expect(text()).toMatch(/^▸ engine\n… engine 30\.\d s: compiling b\n$/);
    vi.advanceTimersByTime(60_000);
    expect(text().match(/…/g)).toHaveLength(3);
  });

  it("is silent when everything came from the cache", () => {
    const { progress, text } = shown();
    for (const name of ["engine", "debian"]) progress.step(name).done({ cached: true });
    progress.close();
    expect(text()).toBe("");
  });

  it("names what came from the cache as soon as something else works, each once", () => {
    const { progress, text } = shown();
    progress.step("debian").done({ cached: true });
    const node = progress.step("node");
    node.log("npm");
    node.done({ cached: false });
    for (const name of ["debian", "node", "golang"]) progress.step(name).done({ cached: true });
    expect(text()).toBe("✓ debian: cached\n▸ node\n✓ node: 0.0 s\n✓ golang: cached\n");
  });

  it("says after how long a step failed", () => {
    const { progress, text } = shown();
    const step = progress.step("engine");
    vi.advanceTimersByTime(61_000);
    step.fail(new Error("x"));
    expect(text()).toContain("✗ engine: failed after 1 min 1 s\n");
  });
});

describe("on a terminal", () => {
  it("draws the running steps in place, below what has ended", () => {
    const { progress, screen } = shown(60);
    const one = progress.step("engine");
    const two = progress.step("debian");
    one.log("compiling");
    vi.advanceTimersByTime(1_000);
    expect(screen()).toEqual(["… engine 1.0 s  compiling", "… debian 1.0 s"]);
    two.done({ cached: false });
    vi.advanceTimersByTime(400);
    expect(screen()).toEqual(["✓ debian: 1.0 s", "… engine 1.4 s  compiling"]);
    progress.note("a note");
    expect(screen()).toEqual(["✓ debian: 1.0 s", "a note", "… engine 1.4 s  compiling"]);
    one.done({ cached: false });
    progress.close();
    expect(screen()).toEqual(["✓ debian: 1.0 s", "a note", "✓ engine: 1.4 s"]);
  });

  it("cuts lines to the terminal's width, so that a redraw erases all of them", () => {
    const { progress, screen } = shown(20);
    progress.step("engine").log("a long line of a compiler");
    vi.advanceTimersByTime(200);
    expect(screen().map((line) => line.length)).toEqual([19]);
  });

  it("leaves no control characters of a command's output on the screen", () => {
    const { progress, text } = shown(80);
    progress.step("npm").log("\x1b[31mred\x1b[0m\rover\tthere");
    vi.advanceTimersByTime(200);
    expect(text()).toBe("… npm 0.2 s  red over there\n");
  });

  it("draws nothing more after it was closed", () => {
    const { progress, text } = shown(80);
    progress.step("engine");
    vi.advanceTimersByTime(200);
    progress.close();
    const before = text();
    vi.advanceTimersByTime(60_000);
    expect(text()).toBe(before);
  });
});

describe("a duration", () => {
  it.each([[0, "0.0 s"], [59_949, "59.9 s"], [59_960, "1 min 0 s"], [60_000, "1 min 0 s"], [119_700, "2 min 0 s"], [3_725_000, "62 min 5 s"]])("%i ms is %s", (ms, text) => {
    expect(seconds(ms)).toBe(text);
  });
});

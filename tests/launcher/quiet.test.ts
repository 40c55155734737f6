/** The main job where nobody watches: few lines, and the answer at the end. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastWords, mainJob, outputPaths, reportCall } from "../../scripts/launcher/quiet.mjs";
import { LAUNCHER, start } from "./fixtures/programs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "todo-chat-quiet-"));
  writeFileSync(join(folder, "dagger.json"), '{"name": "todo-chat"}');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the main job", () => {
  it.each([
    ["alone", ["call", "ci"], ["call"], []],
    ["with checks to run and to leave out", ["call", "ci", "--only=validate", "--skip", "lint-files"], ["call"], ["--only=validate", "--skip", "lint-files"]],
    ["with options of the module", ["call", "--cluster-image=k3s:1", "--source", ".", "ci"], ["call", "--cluster-image=k3s:1", "--source", "."], []],
  ])("is known %s", (_, args, before, choice) => expect(mainJob(args, folder)).toEqual({ before, choice }));

  it.each([
    ["another function", ["call", "test-backend"]],
    ["its report", ["call", "ci-report", "export", "--path=x"]],
    ["a call that says how it is shown", ["--progress=plain", "call", "ci"]],
    ["a call with a further option of the CLI", ["call", "-d", "ci"]],
    ["help", ["call", "ci", "--help"]],
    ["a check that has its name", ["call", "conformance", "--only", "ci"]],
  ])("is not %s", (_, args) => expect(mainJob(args, folder)).toBeUndefined());

  it("is not that of another module", () => {
    writeFileSync(join(folder, "dagger.json"), '{"name": "hello"}');
    expect(mainJob(["call", "ci"], folder)).toBeUndefined();
  });

  it("is asked for as a report", () => {
    expect(reportCall({ before: ["call"], choice: ["--only=validate"] }, "/out")).toEqual(["--progress=plain", "call", "ci-report", "--only=validate", "export", "--wipe", "--path=/out"]);
  });

  it("has its report and its log where the environment says, or in the checkout", () => {
    expect(outputPaths({}, "/checkout")).toEqual({ report: "/checkout/report/ci", log: "/checkout/report/ci.log" });
    expect(outputPaths({ TODO_CHAT_REPORT_DIR: "/elsewhere/x" }, "/checkout")).toEqual({ report: "/elsewhere/x", log: "/elsewhere/x.log" });
  });
});

it("the last words of the CLI are its error, without the marks of its progress", () => {
  expect(lastWords("12  : ┆ Container.from ERROR [1s]\nError: no check is named x; the checks are a, b\n")).toBe("Error: no check is named x; the checks are a, b");
  expect(lastWords(`${Array.from({ length: 100 }, (_, line) => `3 : ┆ ┆ line ${line}`).join("\n")}\n`).split("\n")).toHaveLength(40);
});

/** A CLI that says a lot, does as `script` says with the report folder in $REPORT, and ends. */
function run(script: string, { args = ["call", "ci"], env = {} }: { args?: string[]; env?: Record<string, string | undefined> } = {}) {
  const cli = join(folder, "dagger");
  writeFileSync(cli, `#!/bin/sh\nfor arg in "$@"; do case "$arg" in --path=*) REPORT="\${arg#--path=}"; esac; done\nmkdir -p "$REPORT"\ni=0; while [ $i -lt 5000 ]; do echo "$i : ┆ line $i" >&2; i=$((i+1)); done\n${script}\n`);
  chmodSync(cli, 0o755);
  return start(process.execPath, [LAUNCHER, ...args], {
    cwd: folder,
    env: { CI: undefined, GITHUB_ACTIONS: undefined, GITHUB_STEP_SUMMARY: undefined, _EXPERIMENTAL_DAGGER_RUNNER_HOST: "unix:///nowhere", _EXPERIMENTAL_DAGGER_CLI_BIN: cli, TODO_CHAT_ENGINE: undefined, ...env },
  });
}

const SUMMARY = (verdict: string) => `printf 'check  result\\n✓ lint  passed\\n\\n${verdict}\\n' >"$REPORT/summary.txt"; echo '::error file=a.ts,line=1::no' >"$REPORT/annotations.txt"; echo '**summary**' >"$REPORT/summary.md"`;
const GREEN = `echo "7 : ┆ [1.0s] | check ended: ✓ lint passed 3.0 run" >&2\n${SUMMARY("all 1 checks passed in 3.0 s")}\necho '{"passed": true}' >"$REPORT/report.json"`;
const RED = `${SUMMARY("1 of 1 checks did not pass: lint in 3.0 s")}\necho '{"passed": false}' >"$REPORT/report.json"`;

describe("where nobody watches", () => {
  it("a green run prints few lines: each check's end, the table, the log, and one verdict line; everything else is in the log", async () => {
    const program = run(GREEN);
    expect(await program.ended).toBe(0);
    const lines = program.output().split("\n");
    expect(lines.length).toBeLessThan(20);
    expect(lines).toContain("✓ lint passed 3.0 run");
    expect(lines.slice(-2)).toEqual([`log: ${join(folder, "report", "ci.log")}`, "all 1 checks passed in 3.0 s"]);
    expect(readFileSync(join(folder, "report", "ci.log"), "utf8")).toContain("line 4999");
  });

  it("a failed run exits with 1, though its report was exported well", async () => {
    const program = run(RED);
    expect(await program.ended).toBe(1);
    expect(program.output().split("\n").at(-1)).toBe("1 of 1 checks did not pass: lint in 3.0 s");
    expect(program.output()).not.toContain("::error");
  });

  it("the answer of an earlier run is not taken for this one's", async () => {
    expect(await run(GREEN).ended).toBe(0);
    const program = run("true");
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain("before it had a result");
  });

  it("a run without a result says why, what had ended, and the CLI's exit code", async () => {
    const program = run('echo "7 : [1s] | check ended: ✓ lint passed 3.0 run" >&2; echo "Error: no check is named lnt; the checks are lint" >&2; exit 2');
    expect(await program.ended).toBe(2);
    const text = program.output();
    expect(text).toContain("Error: no check is named lnt; the checks are lint");
    expect(text).toMatch(/checks that have ended:\n {2}✓ lint passed 3\.0 run\nlog: .*\nthe run ended with exit code 2 before it had a result$/);
  });

  it("a run that is cut off prints what is known", async () => {
    const program = run('echo "7 : [1s] | check ended: ✗ lint FAILED 3.0 run" >&2; exec sleep 60');
    await program.printed("✗ lint FAILED");
    program.child.kill("SIGINT");
    expect(await program.ended).toBe(130);
    expect(program.output()).toMatch(/checks that have ended:\n {2}✗ lint FAILED 3\.0 run\nlog: .*\ncut off by SIGINT: 1 checks had ended$/);
  });

  it("on GitHub, failures are annotations and the table is the summary of the job", async () => {
    const summary = join(folder, "summary");
    const program = run(RED, { env: { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary } });
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain("::error file=a.ts,line=1::no");
    expect(program.output().split("\n").at(-1)).toContain("did not pass");
    expect(readFileSync(summary, "utf8")).toContain("**summary**");
  });

  it("a log that cannot be written is refused before anything runs", async () => {
    writeFileSync(join(folder, "occupied"), "");
    const program = run(`touch ${join(folder, "ran")}`, { env: { TODO_CHAT_REPORT_DIR: join(folder, "occupied", "ci") } });
    expect(await program.ended).toBe(3);
    expect(program.output()).toContain(`cannot write the log ${join(folder, "occupied", "ci.log")}`);
    expect(program.output()).toContain("set TODO_CHAT_REPORT_DIR to a folder that can be written");
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("another call is shown as the CLI shows it", async () => {
    const program = run("echo answer", { args: ["call", "validate"] });
    expect(await program.ended).toBe(0);
    expect(program.output()).toContain("line 4999");
    expect(existsSync(join(folder, "report"))).toBe(false);
  });
});

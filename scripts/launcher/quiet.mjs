/**
 * The main job where nobody watches: instead of thousands of lines of progress, one line for each check that ends, and at the end what
 * did not pass, the table, where the log is, and one line with the verdict. Everything that the CLI says goes to the log.
 *
 * The call of `ci` becomes one of `ci-report`, which gives the same answer as files: no answer is read out of the CLI's output.
 */
import { appendFileSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isOurModule } from "./cluster.mjs";
import { LauncherError } from "./errors.mjs";

/** Time in ms between two lines that say that the run goes on. */
const REMINDER = 60_000;

/** Most lines of the CLI's own last words, when there is no report. */
const LAST_WORDS = 40;

/** A check's end, as the module says it; the CLI puts its own marks before it. */
const ENDED = /check ended: (?<row>[✓~✗!] (?<name>\S+) (?<state>\S+) (?<seconds>\S+) (?<source>run|cached))\s*$/;

/**
 * @param {string[]} args arguments of the CLI
 * @param {string} [folder] where it is called
 * @returns {{ before: string[], choice: string[] } | undefined} the arguments before `ci` and those after it, when the call is the main
 *   job of this project and nothing else: no chained function, and no option of the CLI that says how to show it
 */
export function mainJob(args, folder = process.cwd()) {
  if (args[0] !== "call") return undefined;
  const at = args.indexOf("ci");
  if (at < 0) return undefined;
  const before = args.slice(0, at);
  const choice = args.slice(at + 1);
  if (!before.slice(1).every((arg, index, all) => /^--(source|cluster-image)(=|$)/.test(arg) || /^--(source|cluster-image)$/.test(all[index - 1] ?? ""))) return undefined;
  if (!choice.every((arg, index) => /^--(only|skip)(=|$)/.test(arg) || /^--(only|skip)$/.test(choice[index - 1] ?? ""))) return undefined;
  return isOurModule(folder) ? { before, choice } : undefined;
}

/** @param {NodeJS.ProcessEnv} env @param {string} [folder] @returns {{ report: string, log: string }} */
export function outputPaths(env, folder = process.cwd()) {
  const report = resolve(folder, env.TODO_CHAT_REPORT_DIR || join("report", "ci"));
  return { report, log: `${report}.log` };
}

/** @param {{ before: string[], choice: string[] }} job @param {string} report @returns {string[]} the call that gives the answer as files */
export function reportCall({ before, choice }, report) {
  return ["--progress=plain", ...before, "ci-report", ...choice, "export", "--wipe", `--path=${report}`];
}

/**
 * Follows the CLI's output and tells how the run ended.
 * @param {{ report: string, log: string, env: NodeJS.ProcessEnv, print: (line: string) => void, note: (line: string) => void, now?: () => number }} options
 *   `print` is for the answer, `note` for progress
 * @throws {LauncherError} when the log cannot be written
 */
export function watchRun({ report, log, env, print, note, now = Date.now }) {
  const file = openLog(log);
  // What an earlier run left must not be taken for this one's answer.
  rmSync(report, { recursive: true, force: true });
  /** @type {string[]} */
  const rows = [];
  const begun = now();
  let rest = "";
  let full = false;
  const reminder = setInterval(() => note(`… ${rows.length} checks have ended after ${Math.round((now() - begun) / 1000)} s; all of the output: ${log}`), REMINDER).unref();

  const keep = (/** @type {string} */ text) => {
    try {
      if (!full) appendFileSync(file, text);
    } catch (cause) {
      // The run goes on without its log: what is green stays green.
      full = true;
      note(`the log ${log} ends here: ${/** @type {Error} */ (cause).message}; free some space on its file system`);
    }
  };

  return {
    /** @param {string} text of the CLI's standard error */
    hear(text) {
      keep(text);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const row = ENDED.exec(stripVTControlCharacters(line))?.groups?.row;
        // A CLI may repeat a line when it closes.
        if (row === undefined || rows.includes(row)) continue;
        rows.push(row);
        note(row);
      }
    },
    /**
     * Prints the end of the run.
     * @param {number} code of the CLI @param {string | undefined} interrupted name of the signal that cut the run off
     * @returns {number} exit code of the run
     */
    end(code, interrupted) {
      clearInterval(reminder);
      const answer = code === 0 && interrupted === undefined ? readAnswer(report) : undefined;
      if (answer === undefined) {
        if (interrupted === undefined) print(lastWords(readFileSync(log, "utf8")));
        print(["", "checks that have ended:", ...(rows.length > 0 ? rows.map((row) => `  ${row}`) : ["  none"])].join("\n"));
        print(`log: ${log}`);
        print(interrupted === undefined ? `the run ended with exit code ${code} before it had a result` : `cut off by ${interrupted}: ${rows.length} checks had ended`);
        return code === 0 ? 1 : code;
      }
      if (env.GITHUB_ACTIONS) tellGitHub(report, env, print);
      const lines = answer.summary.trimEnd().split("\n");
      print(lines.slice(0, -1).join("\n"));
      print(`report: ${join(report, "index.html")}`);
      print(`log: ${log}`);
      print(String(lines.at(-1)));
      return answer.passed ? 0 : 1;
    },
  };
}

/** @param {string} log @returns {number} */
function openLog(log) {
  try {
    mkdirSync(dirname(log), { recursive: true });
    return openSync(log, "w");
  } catch (cause) {
    throw new LauncherError(`cannot write the log ${log}: ${/** @type {Error} */ (cause).message}; set TODO_CHAT_REPORT_DIR to a folder that can be written`, 3);
  }
}

/** @param {string} report @returns {{ passed: boolean, summary: string } | undefined} */
function readAnswer(report) {
  try {
    const { passed } = JSON.parse(readFileSync(join(report, "report.json"), "utf8"));
    return { passed: passed === true, summary: readFileSync(join(report, "summary.txt"), "utf8") };
  } catch {
    return undefined;
  }
}

/** @param {string} report @param {NodeJS.ProcessEnv} env @param {(line: string) => void} print */
function tellGitHub(report, env, print) {
  const text = readFileSync(join(report, "annotations.txt"), "utf8").trimEnd();
  if (text !== "") print(text);
  if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `${readFileSync(join(report, "summary.md"), "utf8")}\n`);
}

/**
 * The CLI's plain progress says an error at each level of calls, each line with the number of its step; the first word of the innermost
 * one is what went wrong.
 * @param {string} log @returns {string}
 */
export function lastWords(log) {
  const lines = stripVTControlCharacters(log)
    .split("\n")
    .map((line) => line.replace(/^\d+\s*: [┆ ]*/, "").trimEnd())
    .filter((line) => line !== "");
  const at = lines.findLastIndex((line) => line.startsWith("Error: "));
  return (at < 0 ? lines.slice(-LAST_WORDS) : lines.slice(at, at + LAST_WORDS)).join("\n").replace(/ \[traceparent:[^\]]*\]/g, "");
}

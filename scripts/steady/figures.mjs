/** Many runs of the conformance suite → how steady each requirement is. Pure. */

/**
 * One run: the rows of its conformance.json, or why there is none.
 * @typedef {{ seconds: number, rows: { id: string, title: string, outcome: { outcome: string, ms: number, message?: string, reasons?: string[] } }[] } | { seconds: number, lost: string }} Run
 * @typedef {{ id: string, title: string, runs: number, failures: number, slowestMs: number, reasons: string[] }} Figure
 */

/** @param {Run[]} runs @returns {Figure[]} one for each requirement that any run asked, by id */
export function figures(runs) {
  /** @type {Map<string, Figure>} */
  const found = new Map();
  for (const run of runs) {
    for (const { id, title, outcome } of "rows" in run ? run.rows : []) {
      const figure = found.get(id) ?? { id, title, runs: 0, failures: 0, slowestMs: 0, reasons: [] };
      found.set(id, figure);
      figure.runs += 1;
      figure.slowestMs = Math.max(figure.slowestMs, outcome.ms);
      if (outcome.outcome === "passed") continue;
      figure.failures += 1;
      const reason = (outcome.message ?? outcome.reasons?.join("; ") ?? outcome.outcome).split("\n")[0] ?? "";
      if (!figure.reasons.includes(reason)) figure.reasons.push(reason);
    }
  }
  return [...found.values()].sort((a, b) => a.id.localeCompare(b.id));
}

/** @param {Run[]} runs @param {number} wanted how many were asked for @returns {boolean} whether every run had a result, and every requirement was kept in each */
export function isSteady(runs, wanted) {
  const found = figures(runs);
  return runs.length === wanted && found.length > 0 && runs.every((run) => "rows" in run) && found.every(({ failures, runs: asked }) => failures === 0 && asked === runs.length);
}

/** @param {Run[]} runs @param {number} wanted @returns {string} a Markdown table with what failed first, and a line that sums up */
export function report(runs, wanted) {
  const found = figures(runs).sort((a, b) => b.failures - a.failures || a.id.localeCompare(b.id));
  const rows = found.map(({ id, title, runs, failures, slowestMs, reasons }) => `| ${id} ${title} | ${runs} | ${failures} | ${(slowestMs / 1000).toFixed(1)} | ${reasons.join(" · ").replaceAll("|", "\\|")} |`);
  const lost = runs.flatMap((run, index) => ("lost" in run ? [`- run ${index + 1} had no result: ${run.lost}`] : []));
  const failures = found.reduce((sum, figure) => sum + figure.failures, 0);
  const times = runs.map(({ seconds }) => seconds);
  const took = times.length === 0 ? "" : `, ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} s each`;
  return ["| requirement | runs | failures | slowest (s) | reasons |", "|---|--:|--:|--:|---|", ...rows, "", ...lost, `${isSteady(runs, wanted) ? "steady" : "NOT steady"}: ${failures} failures in ${runs.length} of ${wanted} runs${took}`].join("\n");
}

/** The page of the plan's tasks: each with the tests that prove it, ticked when all of them are there. Pure. */
import { Undocumented } from './finding.ts'
import { type Case, outcomeOf } from './junit.ts'
import { code, heading, linesOf } from './markdown.ts'
import { type ExistingTests, exists, type Proof, proofOf, SEPARATOR } from './tests.ts'

export interface Task {
  /** `T301`; stays with its task. */
  id: string
  task: string
  /** As `proofOf` reads them. */
  proofs: readonly string[]
  /** What no test proves. */
  unproven?: string
}

export interface Group {
  /** First cell of a row of the plan. */
  row: string
  tasks: readonly Task[]
}

/** What a run said; absent where the page only says what is there. */
export interface Run {
  cases: readonly Case[]
  /** Where its documents were. */
  from: string
}

export interface Counts {
  tasks: number
  ticked: number
  /** Unticked for a test that does not exist or has failed; the others were not in the reports, or nothing proves them. */
  wrong: number
}

const PLAN = 'specs/6-phase4-deployment/plan.md'

/** First cells of the tables of decisions and gates, with their lines. */
export function rowsOfPlan(plan: string): { title: string; line: number }[] {
  return linesOf(plan).flatMap(({ text, line }) => {
    const title = /^\| ([^|]+) \|/.exec(text)?.[1]?.trim()
    return title === undefined || title === 'decision' || title === 'gate' ? [] : [{ title, line }]
  })
}

/** @throws Undocumented for a row of the plan without tasks, or tasks of no row */
export function checkRows(plan: string, groups: readonly Group[]): void {
  const rows = rowsOfPlan(plan)
  for (const { title, line } of rows) if (!groups.some(({ row, tasks }) => row === title && tasks.length > 0)) throw new Undocumented({ page: PLAN, line, message: `no task of tests/docs/plan-tasks.ts belongs to “${title}”` })
  for (const { row } of groups) if (!rows.some(({ title }) => title === row)) throw new Undocumented({ page: PLAN, line: 1, message: `the plan has no row “${row}”, to which tests/docs/plan-tasks.ts gives tasks` })
}

function shown(proof: Proof): string {
  if (proof.kind === 'requirement') return `[${proof.id}](contracts/conformance.md)`
  if (proof.kind === 'policy') return code(proof.id)
  return [`[${proof.file.split('/').at(-1)}](../../${proof.file})`, ...proof.titles.map((title) => `“${title}”`)].join(SEPARATOR)
}

function judged({ proofs }: Task, tests: ExistingTests, run: Run | undefined): { proof: Proof; state: string }[] {
  return proofs.map(proofOf).map((proof) => ({ proof, state: !exists(proof, tests) ? 'does not exist' : run === undefined ? 'bound' : outcomeOf(proof, run.cases) }))
}

const GOOD = new Set(['bound', 'passed'])
const WRONG = new Set(['does not exist', 'failed'])

function line(task: Task, tests: ExistingTests, run: Run | undefined): { text: string; ticked: boolean; wrong: boolean } {
  const states = judged(task, tests, run)
  const ticked = task.unproven === undefined && states.every(({ state }) => GOOD.has(state))
  const each = states.map(({ proof, state }) => (GOOD.has(state) ? shown(proof) : proof.kind === 'test' && state === 'does not exist' ? `${code([proof.file, ...proof.titles].join(SEPARATOR))} **${state}**` : `${shown(proof)} **${state}**`))
  const unproven = task.unproven === undefined ? [] : [`**not proven**: ${task.unproven}`]
  return { text: `- [${ticked ? 'x' : ' '}] **${task.id}** ${task.task}: ${[...each, ...unproven].join(', ')}`, ticked, wrong: states.some(({ state }) => WRONG.has(state)) }
}

/** @param plan text of the plan @throws Undocumented as {@link checkRows} */
export function tasksPage(plan: string, groups: readonly Group[], tests: ExistingTests, run?: Run): { page: string; counts: Counts } {
  checkRows(plan, groups)
  const lines = groups.map(({ row, tasks }) => ({ row, lines: tasks.map((task) => line(task, tests, run)) }))
  const all = lines.flatMap((group) => group.lines)
  const counts = { tasks: all.length, ticked: all.filter(({ ticked }) => ticked).length, wrong: all.filter(({ wrong }) => wrong).length }
  const legend =
    run === undefined
      ? [
          `Each row of the [plan](plan.md) with its tasks, ${counts.ticked} of ${counts.tasks} ticked. A tick means **bound**: every requirement, policy and test that is named`,
          'exists. It does not mean that it passed: `npm run docs -- tasks --reports FOLDER` gives this page with what a run has said, and ticks what passed.',
        ]
      : [`Each row of the [plan](plan.md) with its tasks, ${counts.ticked} of ${counts.tasks} ticked. A tick means **passed** in the reports in ${code(run.from)}. Tests that are not in them are no passed ones.`]
  return { page: [...heading('Tasks of phase 4', '[plan-tasks.ts](../../tests/docs/plan-tasks.ts) and the tests'), ...legend, '', ...lines.flatMap((group) => [`## ${group.row}`, '', ...group.lines.map(({ text }) => text), ''])].join('\n'), counts }
}

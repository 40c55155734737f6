/** A plan or a drift as a person reads it: colour on a terminal, plain otherwise. Pure. */
import pc from 'picocolors'
import type { Change } from '../plan/diff.ts'
import type { Drift } from '../plan/drift.ts'
import { nameOf } from '../release/objects.ts'
import { type Action, type Operation, type Plan, countActions } from '../plan/plan.ts'
import { problemText } from '../plan/prepare.ts'

export type Colors = ReturnType<typeof pc.createColors>

const SIGNS: Record<Action, string> = { create: '+', update: '~', replace: '±', prune: '-', keep: '=', unchanged: ' ' }

function paint(colors: Colors, action: Action): (text: string) => string {
  const table: Record<Action, (text: string) => string> = { create: colors.green, update: colors.yellow, replace: colors.magenta, prune: colors.red, keep: colors.cyan, unchanged: colors.dim }
  return table[action]
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Lines `- before` and `+ after` of each change, indented. */
function changeLines(changes: readonly Change[], colors: Colors): string[] {
  return changes.flatMap((change) => {
    const lines = [`      ${colors.bold(change.path)}`]
    if ('before' in change) lines.push(...shown(change.before).split('\n').map((line) => colors.red(`        - ${line}`)))
    if ('after' in change) lines.push(...shown(change.after).split('\n').map((line) => colors.green(`        + ${line}`)))
    return lines
  })
}

function operationLines(operation: Operation, colors: Colors): string[] {
  const { action, ref, reason } = operation
  const source = 'source' in operation ? `  ${colors.dim(`[${operation.source}]`)}` : ''
  const head = paint(colors, action)(`  ${SIGNS[action]} ${action.padEnd(8)} ${nameOf(ref)}`)
  const changes = action === 'update' || action === 'replace' ? changeLines(operation.changes, colors) : []
  return [`${head}  (${reason})${source}`, ...changes]
}

/** Everything that would happen, wave by wave, and one line that sums it up. Unchanged objects are only counted. */
export function planText({ operations, problems }: Plan, generated: readonly string[], colors: Colors): string {
  const lines: string[] = []
  let wave = ''
  for (const operation of operations) {
    if (operation.action === 'unchanged') continue
    if (operation.wave !== wave) lines.push(colors.bold(operation.wave))
    wave = operation.wave
    lines.push(...operationLines(operation, colors))
  }
  for (const key of generated) lines.push(colors.yellow(`  ! ${key} has no value yet; one is made up`))
  if (problems.length > 0) {
    lines.push(colors.red('In the way:'))
    for (const problem of problems) lines.push(colors.red(problemText(problem)), `    Next: ${problem.next}`)
  }
  lines.push(summaryLine(operations, problems.length))
  return lines.join('\n')
}

/** `Plan: 2 to create, 1 to update, 40 unchanged.` */
function summaryLine(operations: readonly Operation[], problems: number): string {
  const { create, update, replace, prune, keep, unchanged } = countActions(operations)
  const parts = [`${create} to create`, `${update} to update`, `${replace} to replace`, `${prune} to prune`, `${unchanged} unchanged`]
  if (keep > 0) parts.push(`${keep} kept for their data`)
  if (problems > 0) parts.push(`${problems} in the way`)
  return `Plan: ${parts.join(', ')}.`
}

/** What differs from the current revision. */
export function driftText(revision: number, drifts: readonly Drift[], colors: Colors): string {
  if (drifts.length === 0) return `No drift: the cluster is as revision ${revision} left it.`
  const said = { missing: ['-', 'is missing'], changed: ['~', 'is changed'], added: ['+', 'has more fields'] } as const
  const lines = drifts.flatMap(({ ref, source, kind, changes, managers, since }) => [
    `${colors.yellow(`  ${said[kind][0]} ${nameOf(ref)} ${said[kind][1]}`)}${managers.length > 0 ? ` by ${managers.join(', ')}` : ''}${since === undefined ? '' : ` on ${since}`}  ${colors.dim(`[${source}]`)}`,
    ...changeLines(changes, colors),
  ])
  return [...lines, `Drift: ${drifts.length} ${drifts.length === 1 ? 'object differs' : 'objects differ'} from revision ${revision}.`].join('\n')
}

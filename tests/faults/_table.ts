/** Measurements → Markdown. Pure. */

export interface Table {
  title: string
  head: readonly string[]
  rows: readonly (readonly string[])[]
  note?: string
}

const TITLES: Record<string, string> = {
  deployer: 'Deployer: plan, deploy, roll back',
  disturbances: 'Deployer: what else happens to pods',
  faults: 'Deployer: faults',
  helm: 'Helm beside it: same objects, same load, same faults',
}

/** @param facts where and when it was measured */
export function section(name: string, facts: readonly string[], tables: readonly Table[]): string {
  return [`## ${TITLES[name] ?? name}`, `${facts.join('; ')}.`, ...tables.map(tableText)].join('\n\n')
}

function tableText({ title, head, rows, note }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [`**${title}**`, '', line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line), ...(note === undefined ? [] : ['', note])].join('\n')
}

/** `median (least – most)`, or the one value. */
export function spread(values: readonly number[], digits = 1): string {
  const sorted = [...values].sort((a, b) => a - b)
  const [least] = sorted
  if (least === undefined) return '–'
  const text = (value: number | undefined): string => value?.toFixed(digits) ?? '–'
  const median = text(sorted[Math.floor((sorted.length - 1) / 2)])
  return sorted.length === 1 ? median : `${median} (${text(least)} – ${text(sorted.at(-1))})`
}

/** The first sentence of a message, short enough for a table. */
export function brief(text: string, length = 220): string {
  const clean = text.replaceAll(/\s+/g, ' ').trim()
  return clean.length <= length ? clean : `${clean.slice(0, length - 1)}…`
}

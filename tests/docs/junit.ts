/** What the JUnit documents of a run say about a proof. Pure. Reads what the runners of this repository write, no other dialect. */
import type { Proof } from './tests.ts'

export interface Case {
  /** Path in the repository, or what the document has in its place. */
  file: string
  name: string
  outcome: 'passed' | 'failed' | 'skipped'
}

export type Outcome = 'passed' | 'failed' | 'not in the reports'

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function plain(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
  })
}

/** A runner names a test after the folder that it runs in, and pytest after its module. */
function fileOf(classname: string, files: ReadonlySet<string>): string {
  const module = classname.replace(/\.Test\w+$/, '').replaceAll('.', '/')
  return [classname, `app/frontend/${classname}`, `tests/e2e/${classname}`, `app/backend/${module}.py`].find((path) => files.has(path)) ?? classname
}

/** @param files every file of the repository */
export function casesOf(document: string, files: ReadonlySet<string>): Case[] {
  return [...document.matchAll(/<testcase\s([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(([, head = '', body = '']) => {
    const attribute = (name: string): string => plain(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(head)?.[1] ?? '')
    const outcome = /<(?:failure|error)\b/.test(body) ? 'failed' : /<skipped\b/.test(body) ? 'skipped' : 'passed'
    return { file: fileOf(attribute('classname'), files), name: attribute('name'), outcome }
  })
}

/** A title with what a runner puts into it. */
function pattern(title: string): string {
  return title.split(/(\$[\w.]+|%[sdifjoc#%])/).map((piece, index) => (index % 2 === 1 ? '.*' : piece.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))).join('')
}

function belongs(proof: Proof, { file, name }: Case): boolean {
  if (proof.kind === 'requirement') return file.startsWith('conformance.') && name.startsWith(`${proof.id} `)
  if (proof.kind === 'policy') return file.startsWith('tests/validate/') && name.includes(`'${proof.id}'`)
  if (file !== proof.file) return false
  if (file.endsWith('.py')) return proof.titles.length === 0 || name === proof.titles[0] || name.startsWith(`${proof.titles[0]}[`)
  // Vitest writes `>` between titles, Jest `›`.
  return new RegExp(`^${proof.titles.map(pattern).join(' [>›] ')}${proof.titles.length === 0 ? '' : '($| [>›] )'}`, 's').test(name)
}

/** @returns passed only when at least one case belongs to the proof and all that do have passed */
export function outcomeOf(proof: Proof, cases: readonly Case[]): Outcome {
  const own = cases.filter((one) => belongs(proof, one))
  if (own.some(({ outcome }) => outcome === 'failed')) return 'failed'
  return own.some(({ outcome }) => outcome === 'passed') && own.every(({ outcome }) => outcome === 'passed') ? 'passed' : 'not in the reports'
}

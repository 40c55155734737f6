/** The shell blocks of a page: what they need, what they run, what they show. Pure. */
import type { Finding } from './finding.ts'

/** What a block may need, in the order in which pages name it. */
export const NEEDS = { none: '', engine: 'an engine', docker: 'Docker', cluster: 'a cluster' } as const

export type Need = keyof typeof NEEDS

export const NEED_NAMES = Object.keys(NEEDS) as Need[]

/** One command of a `console` block, or the whole text of an `sh` block. */
export interface Step {
  /** Of its first line in the page. */
  line: number
  command: string
  /** Lines that a `console` block shows below the command; absent in an `sh` block. */
  shown?: string[]
}

export interface Block {
  /** Of the fence, from 1 on; `end` is that of the closing one. */
  line: number
  end: number
  /** Before the fence, as within a list. */
  indent: string
  needs: Need
  /** Of its last step. @default 0 */
  exit: number
  /** Port that answers once the block, which goes on running, has begun. */
  background?: number
  steps: Step[]
}

interface Fence {
  /** The characters that open it, and close it again. */
  mark: string
  line: number
  end: number | undefined
  indent: string
  info: string
  body: string[]
}

function fencesOf(text: string): Fence[] {
  const fences: Fence[] = []
  let open: Fence | undefined
  for (const [index, whole] of text.split('\n').entries()) {
    const [, indent = '', mark = '', info = ''] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(whole) ?? []
    if (open === undefined && mark !== '') fences.push((open = { line: index + 1, end: undefined, indent, info: info.trim(), body: [], mark }))
    else if (open !== undefined && mark.startsWith(open.mark) && info.trim() === '') {
      open.end = index + 1
      open = undefined
    } else open?.body.push(whole.startsWith(open.indent) ? whole.slice(open.indent.length) : whole)
  }
  return fences
}

const SHELLS = ['sh', 'console']
/** Names under which others write the same two. */
const OTHER_SHELLS = ['bash', 'shell', 'zsh', 'shellsession']

/** `needs=engine background=6443` → what it says, and what of it nobody knows. */
function annotation(words: readonly string[]): { needs?: Need; exit: number; background?: number; wrong: string[] } {
  const found: ReturnType<typeof annotation> = { exit: 0, wrong: [] }
  for (const word of words) {
    const [, name = '', value = ''] = /^([a-z]+)=(\w+)$/.exec(word) ?? []
    if (name === 'needs' && NEED_NAMES.includes(value as Need)) found.needs = value as Need
    else if (name === 'exit' && /^\d{1,3}$/.test(value)) found.exit = Number(value)
    else if (name === 'background' && /^\d{2,5}$/.test(value)) found.background = Number(value)
    else found.wrong.push(word)
  }
  return found
}

function stepsOf({ line, body }: Fence, language: string): Step[] {
  if (language === 'sh') return [{ line: line + 1, command: body.join('\n') }]
  const steps: Step[] = []
  for (const [index, text] of body.entries()) {
    if (text.startsWith('$ ')) steps.push({ line: line + 1 + index, command: text.slice(2), shown: [] })
    else steps.at(-1)?.shown?.push(text)
  }
  return steps
}

/** @returns the blocks that can be run, and what is wrong with the others */
export function blocksOf(page: string, text: string): { blocks: Block[]; findings: Finding[] } {
  const blocks: Block[] = []
  const findings: Finding[] = []
  for (const fence of fencesOf(text)) {
    const wrong = (message: string): number => findings.push({ page, line: fence.line, message })
    const [language = '', ...words] = fence.info.split(/\s+/)
    if (fence.end === undefined) wrong('the block has no end')
    else if (language === '') wrong('the block has no language; text is one')
    else if (OTHER_SHELLS.includes(language)) wrong(`the block is ${language}; write sh, or console where output is shown`)
    else if (!SHELLS.includes(language)) {
      if (words.length > 0) wrong(`nobody knows “${words.join(' ')}” of a block of ${language}`)
    } else {
      const { needs, exit, background, wrong: unknown } = annotation(words)
      const steps = stepsOf(fence, language)
      if (unknown.length > 0) wrong(`nobody knows “${unknown.join(' ')}”; there are needs=${NEED_NAMES.join('|')}, exit=CODE and background=PORT`)
      else if (needs === undefined) wrong(`the block does not say what it needs: needs=${NEED_NAMES.join('|')}`)
      else if (steps.length === 0 || (language === 'console' && !fence.body[0]?.startsWith('$ '))) wrong('a block of console begins with “$ ” and a command')
      else blocks.push({ line: fence.line, end: fence.end, indent: fence.indent, needs, exit, ...(background === undefined ? {} : { background }), steps })
    }
  }
  return { blocks, findings }
}

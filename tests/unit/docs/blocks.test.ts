import { describe, expect, it } from 'vitest'
import { blocksOf } from '../../docs/blocks.ts'
import { toLine } from '../../docs/finding.ts'

const page = (...lines: string[]): string => lines.join('\n')
const found = (...lines: string[]): string[] => blocksOf('docs/a.md', page(...lines)).findings.map(toLine)

describe('a block', () => {
  it('of sh is run as a whole, with what it needs', () => {
    expect(blocksOf('a.md', page('x', '```sh needs=engine', 'one', 'two', '```')).blocks).toEqual([{ line: 2, end: 5, indent: '', needs: 'engine', exit: 0, steps: [{ line: 3, command: 'one\ntwo' }] }])
  })

  it('of console is run command by command, each with what it shows', () => {
    const { blocks } = blocksOf('a.md', page('```console needs=none exit=3', '$ one', 'shown', '', '$ two', '```'))
    expect(blocks).toEqual([{ line: 1, end: 6, indent: '', needs: 'none', exit: 3, steps: [{ line: 2, command: 'one', shown: ['shown', ''] }, { line: 5, command: 'two', shown: [] }] }])
  })

  it('within a list is run without its indentation', () => {
    expect(blocksOf('a.md', page('1. x', '', '   ```sh needs=none', '   if x; then', '     y', '   fi', '   ```')).blocks[0]).toMatchObject({ indent: '   ', end: 7, steps: [{ line: 4, command: 'if x; then\n  y\nfi' }] })
  })

  it('of another language is not run', () => {
    expect(blocksOf('a.md', page('```yaml', 'a: 1', '```', '````text', '```sh', '````'))).toEqual({ blocks: [], findings: [] })
  })

  it('in the background names its port', () => {
    expect(blocksOf('a.md', page('```sh needs=engine background=6443', 'serve', '```')).blocks[0]?.background).toBe(6443)
  })

  it.each<[string, string[], string]>([
    ['without a language', ['```', 'x', '```'], 'docs/a.md:1: the block has no language; text is one'],
    ['that does not say what it needs', ['x', '```sh', 'x', '```'], 'docs/a.md:2: the block does not say what it needs: needs=none|engine|docker|cluster'],
    ['with a need that nobody has', ['```sh needs=moon', 'x', '```'], 'docs/a.md:1: nobody knows “needs=moon”; there are needs=none|engine|docker|cluster, exit=CODE and background=PORT'],
    ['with a word that nobody knows', ['```sh needs=none slow', 'x', '```'], 'docs/a.md:1: nobody knows “slow”; there are needs=none|engine|docker|cluster, exit=CODE and background=PORT'],
    ['of a language with words', ['```yaml needs=none', 'x', '```'], 'docs/a.md:1: nobody knows “needs=none” of a block of yaml'],
    ['of another name of a shell', ['```bash needs=none', 'x', '```'], 'docs/a.md:1: the block is bash; write sh, or console where output is shown'],
    ['of console without a command', ['```console needs=none', 'x', '```'], 'docs/a.md:1: a block of console begins with “$ ” and a command'],
    ['without an end', ['x', '```sh needs=none', 'x'], 'docs/a.md:2: the block has no end'],
  ])('%s is told with page and line', (_, lines, finding) => {
    expect(found(...lines)).toEqual([finding])
  })
})

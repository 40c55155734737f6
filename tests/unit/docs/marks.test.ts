import { describe, expect, it } from 'vitest'
import { toLine } from '../../docs/finding.ts'
import { marked, markFindings, ranOf } from '../../docs/marks.ts'

const COMMIT = '0123456789ab'
const PAGE = '# A\n\n```sh needs=none\nx\n```\n\n1. b\n\n   ```sh needs=docker\n   y\n   ```\n\nEnd.\n'

describe('what a page says of its runs', () => {
  it('is a note below each block that has not run, and the commit of each kind', () => {
    expect(marked('a.md', PAGE, new Map([['none', COMMIT]]))).toBe(`# A\n\n\`\`\`sh needs=none\nx\n\`\`\`\n\n1. b\n\n   \`\`\`sh needs=docker\n   y\n   \`\`\`\n\n   Not run here: needs Docker.\n\nEnd.\n\nLast ran at: needs=none ${COMMIT}, needs=docker never.\n`)
  })

  it('is read from its last line', () => {
    const once = marked('a.md', PAGE, new Map([['docker', COMMIT]]))
    expect([...ranOf(once)]).toEqual([['docker', COMMIT]])
    expect(marked('a.md', once, ranOf(once))).toBe(once)
    expect(once).toContain('```\n\nNot run here.\n')
  })

  it('changes with what has run since, and leaves nothing behind', () => {
    const never = marked('a.md', PAGE, new Map())
    expect(marked('a.md', never, new Map([['none', COMMIT], ['docker', COMMIT]]))).toBe(`${PAGE}\nLast ran at: needs=none ${COMMIT}, needs=docker ${COMMIT}.\n`)
  })

  it('is nothing on a page without shell blocks', () => {
    expect(marked('a.md', '# A\n\n```yaml\na: 1\n```\n', new Map())).toBe('# A\n\n```yaml\na: 1\n```\n')
  })

  it.each<[string, (text: string) => string, RegExp]>([
    ['a missing last line', (text) => text.replace(/\nLast ran.*\n/, ''), /^a\.md:1[5-7]: .*the code gives “.*and \d more lines$/],
    ['a commit that is none', (text) => text.replace(COMMIT, 'yesterday'), /^a\.md:17: .*“Last ran at: needs=none yesterday, needs=docker never\.”, the code gives “Last ran at: needs=none never/],
    ['a missing note', (text) => text.replace('   Not run here: needs Docker.\n\n', ''), /^a\.md:13: .*the code gives “ {3}Not run here: needs Docker\.”/],
    ['a note below what has run', (text) => text.replace('x\n```\n', 'x\n```\n\nNot run here.\n'), /^a\.md:7: .*“Not run here\.”/],
    ['another need of a block', (text) => text.replace('sh needs=none', 'sh needs=cluster'), /^a\.md:7: .*the code gives “Not run here: needs a cluster\.”/],
  ])('is told with page and line: %s', (_, edit, finding) => {
    const good = marked('a.md', PAGE, new Map([['none', COMMIT]]))
    expect(markFindings('a.md', good)).toEqual([])
    expect(markFindings('a.md', edit(good)).map(toLine)).toContainEqual(expect.stringMatching(finding))
  })
})

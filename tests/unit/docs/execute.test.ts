/** Pages are run by a shell, in a folder of their own. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Need } from '../../docs/blocks.ts'
import { environmentOf, type PageRun, runPage } from '../../docs/execute.ts'
import { toLine } from '../../docs/finding.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'todo-chat-execute-'))
})
afterEach(() => rm(folder, { recursive: true }))

const block = (info: string, ...lines: string[]): string => ['```' + info, ...lines, '```', ''].join('\n')
const told: string[] = []
const run = (text: string, ...needs: Need[]): Promise<PageRun> => runPage('a.md', text, folder, { needs: new Set<Need>(needs.length === 0 ? ['none'] : needs), progress: (line) => told.push(line) })
const lines = ({ findings }: PageRun): string[] => findings.map((finding) => toLine(finding).split('\n')[0] ?? '')

describe('a page', () => {
  it('is run in its order, block after block in the same folder', async () => {
    const page = await run(block('sh needs=none', 'echo one >file') + block('console needs=none', '$ cat file', 'one', '$ pwd', '.'))
    expect(page).toEqual({ page: 'a.md', ran: ['none'], findings: [] })
  })

  it('is told where a line fails, with what it said, and ends there', async () => {
    const page = await run(block('sh needs=none', 'true', 'echo why >&2; false', 'true') + block('sh needs=none', 'touch after'))
    expect(page.ran).toEqual([])
    expect(page.findings.map(toLine)).toEqual(['a.md:3: ended with exit code 1, not 0:\nwhy'])
    expect(existsSync(join(folder, 'after'))).toBe(false)
  })

  it('is told where output differs', async () => {
    expect(lines(await run(block('console needs=none', '$ printf "a\\nb\\n"', 'a', 'c')))).toEqual(['a.md:4: the page shows “c”, the command gives “b”'])
    expect(lines(await run(block('console needs=none', '$ echo a')))).toEqual(['a.md:3: the page shows nothing, the command gives “a”'])
  })

  it('may show a command that fails, with its exit code', async () => {
    const shown = ['$ sh -c "echo no >&2; exit 3"', 'no']
    expect((await run(block('console needs=none exit=3', ...shown))).findings).toEqual([])
    expect(lines(await run(block('console needs=none', ...shown)))).toEqual(['a.md:2: ended with exit code 3, not 0:'])
    expect(lines(await run(block('console needs=none exit=2', ...shown)))).toEqual(['a.md:2: ended with exit code 3, not 2:'])
  })

  it('is run as far as what is there is enough', async () => {
    const page = await run(block('sh needs=engine', 'touch engine') + block('sh needs=none', 'touch none'), 'none')
    expect(page.ran).toEqual(['none'])
    expect([existsSync(join(folder, 'engine')), existsSync(join(folder, 'none'))]).toEqual([false, true])
  })

  it('with a block that cannot be run is not run', async () => {
    const page = await run(block('sh needs=none', 'touch none') + block('sh', 'x'))
    expect(lines(page)).toEqual(['a.md:4: the block does not say what it needs: needs=none|engine|docker|cluster'])
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })

  it('goes on when the port of what it started answers, which is ended with the page', async () => {
    const port = await freePort()
    const serve = `node -e "require('net').createServer().listen(${port}, '127.0.0.1'); process.on('SIGINT', () => { require('fs').writeFileSync('ended', ''); process.exit() })"`
    const page = await run(block(`sh needs=none background=${port}`, `exec ${serve}`) + block('sh needs=none', `node -e "require('net').connect(${port}, '127.0.0.1').on('connect', () => process.exit())"`))
    expect(page.findings).toEqual([])
    expect(existsSync(join(folder, 'ended'))).toBe(true)
  }, 60_000)

  it('is told when what it started ends before', async () => {
    const port = await freePort()
    expect(lines(await run(block(`sh needs=none background=${port}`, 'exit 4')))).toEqual([`a.md:1: ended with exit code 4 before port ${port} answered:`])
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('the shell', () => {
  it('has nothing of the npm that started it', () => {
    expect(environmentOf({ PATH: '/repo/node_modules/.bin:/usr/bin', npm_config_x: '1', INIT_CWD: '/repo', HOME: '/h', FORCE_COLOR: '1' })).toEqual({ PATH: '/usr/bin', HOME: '/h', NO_COLOR: '1' })
  })
})

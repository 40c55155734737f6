/** A change of the code that nobody wrote down turns the check red, and names page and line. */
import { beforeAll, describe, expect, it } from 'vitest'
import { drift } from '../../docs/drift.ts'
import { returned } from '../../docs/exits.ts'
import type { Finding } from '../../docs/finding.ts'
import { generate, SPECS } from '../../docs/pages.ts'
import { schemaOf } from '../../docs/schema.ts'
import { CLI_SOURCE, deployerProgram, REPORT_SOURCE } from '../../docs/types.ts'
import { change, copyOfTheCode, lineOf, ROOT } from './_copy.ts'

interface Mutation {
  name: string
  file: string
  from: string
  to: string
  page: string
  /** Begin of the committed line that no longer holds. */
  line: string
  /** In the finding: what the code gives now. */
  gives: string
}

const MODULE = 'dagger/src/index.ts'

const MUTATIONS: readonly Mutation[] = [
  { name: 'a renamed function', file: MODULE, from: 'async fuzz(', to: 'async fuzzing(', page: 'module.md', line: '## fuzz', gives: '## fuzzing' },
  { name: 'a renamed argument', file: MODULE, from: 'conversations: number = 200', to: 'dialogues: number = 200', page: 'module.md', line: '| `--conversations`', gives: '`--dialogues`' },
  { name: 'another default of an argument', file: MODULE, from: 'examples: number = 500', to: 'examples: number = 50', page: 'module.md', line: '| `--examples`', gives: '| `50` |' },
  { name: 'another help text', file: MODULE, from: 'Run Jest in a container', to: 'Run Jest', page: 'module.md', line: 'Run Jest in a container.', gives: '“Run Jest.”' },
  { name: 'an argument that became optional', file: MODULE, from: '    archive: File,', to: '    archive?: File,', page: 'module.md', line: '| `--archive` | `File` | required', gives: '| `--archive` | `File` |  |' },
  { name: 'another image of the test cluster', file: MODULE, from: "'rancher/k3s:v1.36.1-k3s1'", to: "'rancher/k3s:v1.37.0-k3s1'", page: 'module.md', line: '| `--cluster-image`', gives: 'v1.37.0-k3s1' },

  { name: 'a renamed option', file: CLI_SOURCE, from: "'--no-rollback'", to: "'--keep-failed'", page: 'deployer.md', line: '| `--no-rollback`', gives: '`--keep-failed`' },
  { name: 'a renamed command', file: CLI_SOURCE, from: "root.command('history')", to: "root.command('log')", page: 'deployer.md', line: '## history', gives: '## log' },
  { name: 'another default of an option', file: CLI_SOURCE, from: ".choices(ENVIRONMENTS).default('dev')", to: ".choices(ENVIRONMENTS).default('staging')", page: 'deployer.md', line: '| `--env <environment>`', gives: '| `staging` |' },
  { name: 'another exit code of a command', file: CLI_SOURCE, from: 'report.drifts.length === 0 ? 0 : 2', to: 'report.drifts.length === 0 ? 0 : 1', page: 'deployer.md', line: 'Its result ends with 0 or 2', gives: 'ends with 0 or 1' },
  { name: 'another exit code of an error', file: 'deploy/src/errors.ts', from: 'instanceof LockHeld) return 4', to: 'instanceof LockHeld) return 1', page: 'deployer.md', line: '| `LockHeld` | 4', gives: '| `LockHeld` | 1' },
  { name: 'another exit code of a refusal', file: 'deploy/src/errors.ts', from: "error.code === 'forbidden' || ", to: '', page: 'deployer.md', line: '| `ClusterError` `forbidden` | 3', gives: '`forbidden` | 1' },
  { name: 'another exit code of a result', file: REPORT_SOURCE, from: "result === 'succeeded' || result === 'unchanged' ? 0 : 1", to: "result === 'succeeded' ? 0 : 1", page: 'deployer.md', line: '| `unchanged` | 0', gives: '| `unchanged` | 1' },
  { name: 'a renamed setting', file: 'deploy/src/release/settings.ts', from: "'images.pullSecret': setting(", to: "'images.secret': setting(", page: 'deployer.md', line: '| `images.pullSecret`', gives: '`images.secret`' },
  { name: 'another limit of the policy', file: 'deploy/src/release/policy.ts', from: "wayBack: { standard: '6m'", to: "wayBack: { standard: '7m'", page: 'deployer.md', line: '| `policy.wayBack`', gives: '| 7m |' },

  { name: 'a renamed field of the report', file: REPORT_SOURCE, from: '  summary: string', to: '  sentence: string', page: 'deployer-report.schema.json', line: '    "summary": {', gives: '"sentence"' },
  { name: 'a field of the report that may be absent', file: REPORT_SOURCE, from: '  kubernetes: string', to: '  kubernetes?: string', page: 'deployer-report.schema.json', line: '    "kubernetes",', gives: 'nothing' },
  { name: 'another unit in a comment', file: 'deploy/src/proof/availability.ts', from: '/** Requests a second. */\n  rate', to: '/** Requests a minute. */\n  rate', page: 'deployer-report.schema.json', line: '          "description": "Requests a second."', gives: 'Requests a minute.' },

  { name: 'another sentence of a requirement', file: 'tests/conformance/areas/chat.ts', from: 'A conversation MUST go on, with its whole history,', to: 'A conversation MUST go on', page: 'conformance.md', line: '| `CONF-233` | behaviour', gives: 'MUST go on after' },
  { name: 'another id of a requirement', file: 'tests/conformance/areas/access.ts', from: "id: 'CONF-270'", to: "id: 'CONF-271'", page: 'conformance.md', line: '| `CONF-270` | behaviour', gives: '`CONF-271`' },
  { name: 'another title of a requirement', file: 'tests/conformance/areas/routing.ts', from: "title: 'Ingress paths'", to: "title: 'Paths of the ingress'", page: 'conformance.md', line: '| `CONF-211` | behaviour', gives: 'Paths of the ingress' },
]

const WITHOUT_PYTHON = { python: 'not used' }

describe('a change of the code', () => {
  let committed: Map<string, string>
  let findings: Finding[]

  // All changes at once: loading and compiling the deployer takes seconds, and each change is told at a line of its own.
  beforeAll(async () => {
    committed = await generate(ROOT, ['module', 'deployer'], WITHOUT_PYTHON)
    await using copy = await copyOfTheCode()
    for (const { file, from, to } of MUTATIONS) await change(copy.root, file, from, to)
    const now = await generate(copy.root, ['module', 'deployer'], WITHOUT_PYTHON)
    findings = [...now].flatMap(([page, text]) => drift(page, committed.get(page), text))
  }, 240_000)

  it.each(MUTATIONS)('is told: $name', ({ page, line, gives }) => {
    const path = `${SPECS}/contracts/${page}`
    const number = lineOf(committed.get(path) ?? '', line)
    expect(findings).toContainEqual({ page: path, line: number, message: expect.stringContaining(gives) })
  })
})

describe('what no page can say', () => {
  it('is a number of which the compiler knows no more, or a field that JSON does not carry: told with its line', async () => {
    await using copy = await copyOfTheCode()
    await change(copy.root, CLI_SOURCE, 'return report.drifts.length === 0 ? 0 : 2', 'return report.drifts.length')
    await change(copy.root, REPORT_SOURCE, '  commit?: string', '  commit?: () => string')
    const program = deployerProgram(copy.root)
    expect(() => returned(program, 'runDrift')).toThrow(/^deploy\/src\/cli\.ts:\d+: runDrift returns a number/)
    expect(() => schemaOf(program, REPORT_SOURCE, 'RunReport')).toThrow(/^deploy\/src\/report\/report\.ts:\d+: .*is nothing that JSON carries/)
  }, 120_000)
})

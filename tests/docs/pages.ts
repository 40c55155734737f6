/** Every generated page, and how it is made. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { conformancePage } from './conformance.ts'
import { type Catalogue, dataModelPage } from './data-model.ts'
import { deployerPage } from './deployer.ts'
import { PLAN_TASKS } from './plan-tasks.ts'
import { type Variable, environmentPage } from './environment.ts'
import { actionsOf, returned } from './exits.ts'
import { modulePage } from './module.ts'
import { ProgramFailed, python, typescript } from './run.ts'
import { schemaOf } from './schema.ts'
import type { Served } from './served.ts'
import { tasksPage } from './tasks.ts'
import { testsOf } from './tests.ts'
import { filesOf } from './tree.ts'
import { ERRORS_SOURCE, REPORT_SOURCE, classComments, deployerProgram, literalsOf } from './types.ts'

/** Where the pages are. */
export const SPECS = 'specs/6-phase4-deployment'

/** What makes one or more pages; `needs` says what has to be there beside the root package. */
export interface Source {
  needs: string
  /** By path below {@link SPECS}: the text of each page. */
  pages(root: string, options: { python: string }): Promise<Record<string, string>>
}

interface ServedBackend {
  openapi: unknown
  tools: unknown
  environment: Record<string, Variable[]>
}

/** The plan, as it is written. */
export function planOf(root: string): Promise<string> {
  return readFile(join(root, SPECS, 'plan.md'), 'utf8')
}

const document = (value: unknown): string => JSON.stringify(value, null, 2)

export const SOURCES = {
  module: {
    needs: 'nothing',
    pages: async (root) => ({ 'contracts/module.md': await modulePage(root) }),
  },
  deployer: {
    needs: 'nothing',
    async pages(root) {
      const program = deployerProgram(root)
      const [results, codes] = [literalsOf(program, REPORT_SOURCE, 'RunResult'), literalsOf(program, ERRORS_SOURCE, 'ClusterErrorCode')]
      const served = (await typescript(root, 'served.ts', [results, codes].map((members) => members.map(({ value }) => value).join(',')))) as Served
      const exits = new Map([...actionsOf(program)].map(([command, name]) => [command, returned(program, name)]))
      const comments = new Map([...[...results, ...codes].map(({ value, comment }) => [value, comment] as const), ...classComments(program, ERRORS_SOURCE)])
      return {
        'contracts/deployer.md': deployerPage(served, { exits, comments }),
        'contracts/deployer-report.schema.json': document(schemaOf(program, REPORT_SOURCE, 'RunReport')),
        'contracts/conformance.md': conformancePage(served),
      }
    },
  },
  tasks: {
    needs: 'nothing',
    pages: async (root) => ({ 'tasks.md': tasksPage(await planOf(root), PLAN_TASKS, await testsOf(root, await filesOf(root))).page }),
  },
  backend: {
    needs: 'Python with the packages of app/backend/requirements-dev.txt',
    async pages(root, options) {
      const { openapi, tools, environment } = (await python(root, 'backend.py', options.python)) as ServedBackend
      return { 'contracts/openapi.json': document(openapi), 'contracts/mcp-tools.json': document(tools), 'contracts/environment.md': environmentPage(environment) }
    },
  },
  database: {
    needs: 'the same Python, and PostgreSQL 15: the URL of a superuser in TODO_TEST_DATABASE_URL, or the Debian package',
    pages: async (root, options) => ({ 'data-model.md': dataModelPage((await python(root, 'catalogue.py', options.python)) as Catalogue) }),
  },
} as const satisfies Record<string, Source>

export type SourceName = keyof typeof SOURCES

export const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[]

/**
 * Makes the pages of some sources.
 * @param python an interpreter that has the backend's packages
 * @returns by path in the repository: the text, which ends with one line end
 * @throws Undocumented for code that cannot be described, ProgramFailed for a source that lacks what it needs: none is left out silently
 */
export async function generate(root: string, names: readonly SourceName[], options: { python: string }): Promise<Map<string, string>> {
  const pages = new Map<string, string>()
  for (const name of names) {
    const source: Source = SOURCES[name]
    const made = await source.pages(root, options).catch((error: unknown) => {
      throw error instanceof ProgramFailed ? new ProgramFailed(`the source ${name} needs ${source.needs}\n${error.message}`, { cause: error }) : error
    })
    for (const [path, text] of Object.entries(made)) pages.set(`${SPECS}/${path}`, `${text.trimEnd()}\n`)
  }
  return pages
}

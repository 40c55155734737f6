/** `npm run docs`: makes the generated pages, or says what pages say that is not so. See README.md. Exit code 0 when nothing was found, 1 otherwise, 3 for wrong arguments. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { type Need, NEED_NAMES } from './blocks.ts'
import { driftOf, pagesToRun, proseFindings } from './check.ts'
import { runPages } from './execute.ts'
import { type Finding, Undocumented, toLine } from './finding.ts'
import { casesOf } from './junit.ts'
import { marked, ranOf } from './marks.ts'
import { generate, planOf, SOURCE_NAMES, SOURCES, type SourceName } from './pages.ts'
import { PLAN_TASKS } from './plan-tasks.ts'
import { ProgramFailed } from './run.ts'
import { tasksPage } from './tasks.ts'
import { testsOf } from './tests.ts'
import { filesOf } from './tree.ts'

const root = join(import.meta.dirname, '../..')
const ownPython = join(root, 'app/backend/.venv/bin/python')

interface Options {
  only: SourceName[]
  python: string
}

function told(findings: readonly Finding[]): number {
  for (const finding of findings) process.stdout.write(`${toLine(finding)}\n`)
  return findings.length === 0 ? 0 : 1
}

/** What was not looked at is never taken for what is right. */
function leftOut(only: readonly SourceName[]): string {
  const missing = SOURCE_NAMES.filter((name) => !only.includes(name))
  return missing.length === 0 ? '' : `; left out: ${missing.join(', ')}`
}

async function write({ only, python }: Options): Promise<number> {
  for (const [page, text] of await generate(root, only, { python })) {
    const path = join(root, page)
    const before = existsSync(path) ? await readFile(path, 'utf8') : undefined
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    process.stdout.write(`${page}: ${before === text ? 'as it was' : 'written'}\n`)
  }
  return 0
}

async function check({ only, python }: Options): Promise<number> {
  const generated = await generate(root, only, { python })
  const findings = [...(await driftOf(root, generated)), ...(await proseFindings(root, generated))]
  const code = told(findings)
  process.stdout.write(`docs: ${generated.size} generated pages, ${findings.length} findings${leftOut(only)}\n`)
  return code
}

async function prose(): Promise<number> {
  const findings = await proseFindings(root, new Map())
  const code = told(findings)
  process.stdout.write(`docs: links and names, ${findings.length} findings\n`)
  return code
}

/** The page of tasks with what a run has said, to standard output. */
async function tasks({ reports }: { reports: string }): Promise<number> {
  const files = await filesOf(root)
  const documents = (await readdir(reports, { recursive: true })).filter((name) => name.endsWith('.xml')).sort()
  if (documents.length === 0) throw new ProgramFailed(`no JUnit document (*.xml) is in ${reports}; \`npm run ci\` leaves its own in report/ci/junit`)
  const cases = (await Promise.all(documents.map((name) => readFile(join(reports, name), 'utf8')))).flatMap((text) => casesOf(text, new Set(files)))
  const { page, counts } = tasksPage(await planOf(root), PLAN_TASKS, await testsOf(root, files), { cases, from: reports })
  process.stdout.write(page)
  process.stderr.write(`docs: ${documents.length} documents with ${cases.length} cases; of ${counts.tasks} tasks ${counts.ticked} passed, ${counts.wrong} failed or without their test\n`)
  return counts.wrong === 0 ? 0 : 1
}

/** Runs the pages, and writes into each at which commit its blocks last ran. */
async function run({ needs }: { needs: Need[] }): Promise<number> {
  const pages = pagesToRun(await filesOf(root))
  const { commit, runs } = await runPages(root, pages, { needs: new Set(needs), progress: (text) => process.stderr.write(`${text}\n`) })
  for (const { page, ran } of runs) {
    const path = join(root, page)
    const text = await readFile(path, 'utf8')
    await writeFile(path, marked(page, text, new Map([...ranOf(text), ...ran.map((need) => [need, commit] as const)])))
  }
  const code = told(runs.flatMap(({ findings }) => findings))
  const count = runs.filter(({ ran }) => ran.length > 0).length
  process.stdout.write(`docs: ${count} pages ran at ${commit} (${needs.map((need) => `needs=${need}`).join(', ')})\n`)
  return code
}

function program(): Command {
  const command = new Command('docs').description('Pages made from the code, and what pages say of it.').exitOverride()
  const generating = (name: string, description: string, run: (options: Options) => Promise<number>): void => {
    command
      .command(name)
      .description(description)
      .addOption(new Option('--only <sources...>', `of ${SOURCE_NAMES.map((source) => `${source} (needs ${SOURCES[source].needs})`).join('; ')}`).choices(SOURCE_NAMES).default(SOURCE_NAMES))
      .addOption(new Option('--python <file>', 'interpreter with the packages of app/backend/requirements-dev.txt').default(existsSync(ownPython) ? ownPython : 'python3'))
      .action(async (options: Options) => void (process.exitCode = await run(options)))
  }
  generating('write', 'make the generated pages', write)
  generating('check', 'fail, naming page and line, where a generated page differs from the code, a link leads nowhere, or something is named that does not exist', check)
  command
    .command('tasks')
    .description('print the page of tasks with what the JUnit documents of a run say; fail when a task has failed')
    .requiredOption('--reports <folder>', 'folder with JUnit documents, also in folders below it, such as report/ci')
    .action(async (options: { reports: string }) => void (process.exitCode = await tasks(options)))
  command
    .command('run')
    .description('run the shell blocks of README, quickstart and docs in a fresh clone of the last commit, compare what they show, and write down at which commit they ran')
    .addOption(new Option('--needs <kinds...>', 'blocks to run, by what they need').choices(NEED_NAMES).default(NEED_NAMES))
    .action(async (options: { needs: Need[] }) => void (process.exitCode = await run(options)))
  command.command('links').description('the same for links and names only, against the committed pages').action(async () => void (process.exitCode = await prose()))
  return command
}

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 3
  else {
    process.stderr.write(`${error instanceof Undocumented || error instanceof ProgramFailed ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
}

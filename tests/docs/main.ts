/** `npm run docs`: makes the generated pages, or says what pages say that is not so. See README.md. Exit code 0 when nothing was found, 1 otherwise, 3 for wrong arguments. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { driftOf, proseFindings } from './check.ts'
import { type Finding, Undocumented, toLine } from './finding.ts'
import { generate, SOURCE_NAMES, SOURCES, type SourceName } from './pages.ts'
import { ProgramFailed } from './run.ts'

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

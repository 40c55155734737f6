/**
 * What the deployer and the conformance suite say of themselves when they are loaded, as JSON on standard output. A process of its own:
 * loading the command line listens to signals, and a second load would not see changed sources.
 */
import { Command } from 'commander'
import { writeFileSync } from 'node:fs'

export interface ServedOption {
  flags: string
  meaning: string
  standard: string
  /** Must be given. */
  isRequired: boolean
  choices: string[]
  variable: string
}

export interface ServedCommand {
  name: string
  meaning: string
  options: ServedOption[]
}

export interface Served {
  program: ServedCommand
  commands: ServedCommand[]
  settings: { name: string; meaning: string; value: string; standard: string; requiredIn: readonly string[] }[]
  /** By the name of its class or, for a refusal of the API server, its code: the exit code of an error. */
  errors: Record<string, number>
  refusals: Record<string, number>
  results: Record<string, number>
  requirements: { id: string; ring: string; title: string; must: string; why: string; needs: readonly string[] }[]
}

function described(command: Command): ServedCommand {
  return {
    name: command.name(),
    meaning: command.description(),
    options: command.options.map(({ flags, description, defaultValue, defaultValueDescription, mandatory, argChoices, envVar, negate }) => ({
      flags,
      meaning: description,
      // `--no-color` has the default true, of `color`.
      standard: defaultValueDescription ?? (defaultValue === undefined || negate ? '' : String(defaultValue)),
      isRequired: mandatory,
      choices: argChoices ?? [],
      variable: envVar ?? '',
    })),
  }
}

/** The command line's program is built and run by one statement; it is caught before it runs. */
async function program(): Promise<Command> {
  const caught: Command[] = []
  Command.prototype.parseAsync = async function (this: Command) {
    caught.push(this)
    return this
  }
  await import('../../deploy/src/cli.ts')
  const [root] = caught
  if (root === undefined) throw new Error('deploy/src/cli.ts ran no program')
  return root
}

/** @param results members of RunResult @param codes members of ClusterErrorCode: types, of which nothing is left when code runs */
async function served(results: readonly string[], codes: readonly string[]): Promise<Served> {
  const root = await program()
  const errors = await import('../../deploy/src/errors.ts')
  const { exitCodeOfResult } = await import('../../deploy/src/report/report.ts')
  const { settingRows } = await import('../../deploy/src/release/settings.ts')
  const { REQUIREMENTS } = await import('../conformance/areas/index.ts')
  const simple = Object.entries(errors).filter(([, value]) => typeof value === 'function' && value.prototype instanceof Error && value !== errors.ClusterError) as [string, new (message: string) => Error][]
  return {
    program: described(root),
    commands: root.commands.map((command) => described(command)),
    settings: settingRows(),
    errors: { ...Object.fromEntries(simple.map(([name, Class]) => [name, errors.exitCodeOf(new Class(''))])), Error: errors.exitCodeOf(new Error('a bug')) },
    refusals: Object.fromEntries(codes.map((code) => [code, errors.exitCodeOf(new errors.ClusterError(code as 'server', '', { verb: '', resource: '' }))])),
    results: Object.fromEntries(results.map((result) => [result, exitCodeOfResult(result as 'failed')])),
    requirements: REQUIREMENTS.map(({ id, ring, title, must, why, needs }) => ({ id, ring, title, must, why, needs })),
  }
}

const [results = '', codes = ''] = process.argv.slice(2)
// At once and whole, before anything that the command line has begun can end the process.
writeFileSync(1, JSON.stringify(await served(results.split(','), codes.split(','))))

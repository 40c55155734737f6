/** The page of the deployer's command line: commands, options, exit codes, settings. Pure. */
import { code, heading, table } from './markdown.ts'
import type { Served, ServedCommand, ServedOption } from './served.ts'

/** What the compiler adds to what the deployer says of itself. */
export interface DeployerTypes {
  /** By command: what its own result can end the process with. */
  exits: ReadonlyMap<string, readonly number[]>
  /** What the sources say about each result and each refusal. */
  comments: ReadonlyMap<string, string>
}

const MEANINGS: Readonly<Record<number, string>> = {
  0: 'done, or nothing to do',
  1: 'failed; the text says whether the revision before is back',
  2: 'there are differences',
  3: 'bad input, rights included; nothing was changed',
  4: 'another deployer holds the lock',
}

function optionTable(options: readonly ServedOption[]): string[] {
  if (options.length === 0) return ['No options of its own.', '']
  return table(
    ['option', 'default', 'meaning'],
    options.map(({ flags, meaning, standard, isRequired, choices, variable }) => [
      code(flags),
      isRequired ? 'required' : code(standard),
      [meaning, choices.length === 0 ? '' : `one of ${choices.map(code).join(', ')}`, variable === '' ? '' : `environment: ${code(variable)}`].filter(Boolean).join('; '),
    ]),
  )
}

function commandLines({ name, meaning, options }: ServedCommand, exits: readonly number[]): string[] {
  return [`## ${name}`, '', `${meaning}.`, '', `Its result ends with ${exits.map((exit) => `${exit}`).join(' or ')}; an error with 1, 3 or 4.`, '', ...optionTable(options)]
}

/** @throws Error for an exit code that this page has no meaning for */
export function deployerPage({ program, commands, settings, errors, refusals, results }: Served, { exits, comments }: DeployerTypes): string {
  const seen = new Set([...exits.values(), Object.values(errors), Object.values(refusals), Object.values(results)].flat())
  const meanings = [...seen].sort((a, b) => a - b).map((exit) => {
    const meaning = MEANINGS[exit]
    if (meaning === undefined) throw new Error(`the deployer can end with ${exit}, which tests/docs/deployer.ts does not explain`)
    return [String(exit), meaning]
  })
  return [
    ...heading('The deployer’s command line', '[deploy/src/cli.ts](../../../deploy/src/cli.ts) and the types behind it'),
    'The report of `deploy` and `rollback` with `--json`, or `report.json` of `--report-dir`, is [deployer-report.schema.json](deployer-report.schema.json).',
    '',
    '## Exit codes',
    '',
    ...table(['exit code', 'meaning'], meanings),
    'By the result of `deploy` and `rollback`:',
    '',
    ...table(['result', 'exit code', 'meaning'], Object.entries(results).map(([result, exit]) => [code(result), String(exit), comments.get(result) ?? ''])),
    'By error; a wrong option is bad input too:',
    '',
    ...table(['error', 'exit code', 'meaning'], [
      ...Object.entries(errors).map(([name, exit]) => [code(name), String(exit), name === 'Error' ? 'a bug; the text has its stack' : (comments.get(name) ?? '')]),
      ...Object.entries(refusals).map(([name, exit]) => [`${code('ClusterError')} ${code(name)}`, String(exit), comments.get(name) ?? '']),
    ]),
    '## Options of every command',
    '',
    'They may stand before or after the command’s name.',
    '',
    ...optionTable(program.options),
    ...commands.flatMap((command) => commandLines(command, exits.get(command.name) ?? [0])),
    '## Names of settings',
    '',
    'For `--set` and `--settings`.',
    '',
    ...table(['setting', 'required in', 'default', 'value', 'meaning'], settings.map(({ name, meaning, value, standard, requiredIn }) => [code(name), requiredIn.join(', '), standard, value, meaning])),
  ].join('\n')
}

/** The page of the environment variables that the Python processes read. Pure. */
import { code, heading, table } from './markdown.ts'

export interface Variable {
  variable: string
  required: boolean
  schema: Record<string, unknown>
  meaning: string
}

const BOUNDS = { minimum: '≥', exclusiveMinimum: '>', maximum: '≤', exclusiveMaximum: '<' } as const

/** `integer ≥ 1 ≤ 65535`, `DEBUG, INFO`, `string (uri)`. */
function valueText(schema: Record<string, unknown>): string {
  const options = (schema['anyOf'] as Record<string, unknown>[] | undefined)?.filter(({ type }) => type !== 'null')
  if (options?.length === 1 && options[0] !== undefined) return valueText(options[0])
  if (Array.isArray(schema['enum'])) return schema['enum'].join(', ')
  const format = schema['format'] === undefined ? '' : ` (${String(schema['format'])})`
  const bounds = Object.entries(BOUNDS).flatMap(([key, sign]) => (schema[key] === undefined ? [] : ` ${sign} ${String(schema[key])}`))
  return `${String(schema['type'] ?? 'any')}${format}${bounds.join('')}`
}

function standardText({ required, schema }: Variable): string {
  if (required) return 'required'
  return schema['default'] === null || schema['default'] === undefined ? 'none' : code(typeof schema['default'] === 'string' ? schema['default'] : JSON.stringify(schema['default']))
}

/** @param processes by the name of each process what it reads */
export function environmentPage(processes: Readonly<Record<string, readonly Variable[]>>): string {
  return [
    ...heading('Environment variables of the processes', '[settings.py](../../../app/backend/src/todo_chat/settings.py)'),
    'A process that is given a value outside of its range does not start. Secrets are files; a variable that ends in `_FILE` names one.',
    '',
    ...Object.entries(processes).flatMap(([name, variables]) => [
      `## ${name}`,
      '',
      ...table(['variable', 'default', 'value', 'meaning'], variables.map((variable) => [code(variable.variable), standardText(variable), valueText(variable.schema), variable.meaning])),
    ]),
  ].join('\n')
}

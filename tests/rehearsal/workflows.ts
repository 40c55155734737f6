/** The calls of Dagger in a workflow, with their inputs as GitHub fills them in. Pure. */
import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import { parse } from 'yaml'

/** What GitHub knows when it runs a job. Names of secrets and variables are in capital letters, as GitHub keeps them. */
export interface Contexts {
  github: Record<string, string>
  vars: Record<string, string>
  secrets: Record<string, string>
}

/** One step that calls Dagger. */
export interface Call {
  workflow: string
  job: string
  step: string
  /** What follows `dagger call`. */
  line: string
  env: Record<string, string>
  /** The GitHub environment of the job, which decides what `vars` and `secrets` hold. */
  environment: string | undefined
}

interface Step {
  name?: string
  uses?: string
  if?: string
  env?: Record<string, string>
  with?: Record<string, string>
}

/** Names of contexts and functions that expressions of a step may use: https://docs.github.com/actions/learn-github-actions/contexts */
const CONTEXTS = ['github', 'vars', 'secrets']

/**
 * One expression's value.
 * @throws Error that quotes the expression when it cannot be read
 */
export function evaluate(expression: string, contexts: Contexts): string {
  try {
    const tree = new Parser(new Lexer(expression).lex().tokens, CONTEXTS, []).parse()
    const values = Object.entries(contexts).map(([key, values]) => ({
      key,
      value: new data.Dictionary(...Object.entries(values as Record<string, string>).map(([key, value]) => ({ key, value: new data.StringData(value) }))),
    }))
    return new Evaluator(tree, new data.Dictionary(...values)).evaluate().coerceString()
  } catch (cause) {
    throw new Error(`the expression \${{ ${expression} }} cannot be evaluated: ${(cause as Error).message}`, { cause })
  }
}

/** A text with each `${{ … }}` replaced by its value. */
export function fill(text: string, contexts: Contexts): string {
  return text.replace(/\$\{\{\s*(.*?)\s*\}\}/gs, (_match, expression: string) => evaluate(expression, contexts))
}

/**
 * The calls of a workflow in the order in which a green run makes them.
 * @param contextsOf what GitHub knows in an environment (none: the repository's own)
 * @throws Error for a step whose condition is not one of those known here: it might not run
 */
export function callsOf(file: string, text: string, contextsOf: (environment: string | undefined) => Contexts): Call[] {
  const { jobs } = parse(text) as { jobs: Record<string, { environment?: string; needs?: string; steps: Step[] }> }
  return Object.entries(jobs).flatMap(([job, { environment, steps }]) =>
    steps.flatMap((step): Call[] => {
      if (!step.uses?.startsWith('dagger/dagger-for-github@')) return []
      const name = step.name ?? ''
      if (step.if !== undefined && !/^\$\{\{ !cancelled\(\) \}\}$|^!cancelled\(\)$/.test(step.if)) throw new Error(`${file}, step ${name}: a rehearsal cannot tell whether "if: ${step.if}" holds`)
      const contexts = contextsOf(environment)
      const env = Object.fromEntries(Object.entries(step.env ?? {}).map(([key, value]) => [key, fill(value, contexts)]))
      return [{ workflow: file, job, step: name, line: fill(step.with?.['call'] ?? '', contexts).replace(/\s+/g, ' ').trim(), env, environment }]
    }),
  )
}

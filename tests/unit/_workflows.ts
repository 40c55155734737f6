/** The workflows as data, and the Dagger calls in them. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

const FOLDER = join(import.meta.dirname, '../../.github/workflows')

export interface Step {
  name?: string
  uses?: string
  run?: string
  if?: string
  with?: Record<string, unknown>
  env?: Record<string, string>
}

export interface Job {
  name?: string
  'timeout-minutes'?: number
  environment?: string
  permissions?: Record<string, string>
  needs?: string
  steps: Step[]
}

export interface Workflow {
  file: string
  text: string
  name: string
  on: Record<string, unknown>
  permissions: Record<string, string>
  concurrency: { group: string; 'cancel-in-progress': boolean | string }
  jobs: Record<string, Job>
}

export function workflows(): Workflow[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yml'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(FOLDER, file), 'utf8')
      return { file, text, ...(parse(text) as Omit<Workflow, 'file' | 'text'>) }
    })
}

export function steps(): { workflow: Workflow; job: string; step: Step }[] {
  return workflows().flatMap((workflow) => Object.entries(workflow.jobs).flatMap(([job, { steps }]) => steps.map((step) => ({ workflow, job, step }))))
}

/**
 * Every `dagger call` of the workflows, without the words `dagger call`; expressions are replaced by a value of their kind, so that a
 * module can be asked whether it accepts the line.
 */
export function daggerCalls(): { file: string; step: string; line: string }[] {
  return steps()
    .filter(({ step }) => step.uses?.startsWith('dagger/dagger-for-github@'))
    .map(({ workflow, step }) => ({ file: workflow.file, step: step.name ?? '', line: String(step.with?.['call']).replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_match, expression: string) => EXAMPLES[expression] ?? unknown(expression)).trim() }))
}

const EXAMPLES: Record<string, string> = {
  'github.repository': 'example/todo-chat',
  'github.sha': '0123456789abcdef0123456789abcdef01234567',
  'github.actor': 'octocat',
  'vars.INGRESS_URL': 'https://203.0.113.1',
  "vars.REGISTRY || format('ghcr.io/{0}', github.repository)": 'ghcr.io/example/todo-chat',
  'vars.REGISTRY_USERNAME || github.actor': 'octocat',
}

function unknown(expression: string): never {
  throw new Error(`a dagger call uses the expression ${expression}; add an example of it`)
}
